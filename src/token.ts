import './node-version.ts';
import { developmentToken } from './app.ts';
import { runCommand } from './process.ts';

await runCommand(async (config) => {
  const userId = process.argv[2];
  if (userId === undefined || userId.trim() === '') {
    process.stderr.write('Whose token? Usage: npm run token -- USER\n');
    process.exitCode = 1;
    return;
  }
  process.stdout.write(`${await developmentToken(config, userId)}\n`);
});
