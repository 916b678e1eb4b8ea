import './node-version.ts';
import { startWorker } from './app.ts';
import { runProcess } from './process.ts';

await runProcess(async (config) => {
  const worker = await startWorker(config);
  process.stdout.write('Mediakeep worker: running background jobs. Ctrl-C ends it.\n');
  return worker;
});
