import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { type Sentence, wrapEverything } from './kill-points.ts';

/*
 * The server as `npm start` runs it, in a process that can be told (by a message) where to die. Compiled beside the sources' output, because
 * a process that compiles itself would take three times as long to start, and a hundred of them are started.
 */
const config = readConfig();
const victim = wrapEverything(join(config.dataDir, 'objects'));
process.on('message', (message: Sentence | 'sweep') => {
  if (message === 'sweep') return void victim.sweep();
  victim.sentence(message);
  process.send?.('heard');
});
// The test that started it has ended, in whatever way.
process.on('disconnect', () => process.exit());
const app = await startApp(config);
process.stdout.write(`READY ${app.url}\n`);
