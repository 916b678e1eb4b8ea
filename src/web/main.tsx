import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/page.css';
import './styles/gallery.css';
import './styles/uploads.css';
import './styles/details.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { ThemeChoice } from './parts/theme.ts';
import { Session } from './session.ts';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no place for the page.');
const theme = new ThemeChoice();
theme.follow();
render(<App session={new Session()} theme={theme} />, root);
