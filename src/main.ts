import './node-version.ts';
import { startApp } from './app.ts';
import { runProcess } from './process.ts';

await runProcess(async (config) => {
  const app = await startApp(config);
  process.stdout.write(app.welcome);
  return app;
});
