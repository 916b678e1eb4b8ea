import './node-version.ts';
import { runCommand } from './process.ts';

await runCommand(async () => {
  process.stdout.write('');
});
