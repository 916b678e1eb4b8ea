import './node-version.ts';
import { migrateDatabase } from './app.ts';
import { runCommand } from './process.ts';

await runCommand(async (config) => {
  const applied = await migrateDatabase(config);
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied: ${applied.join(', ')}.\n`);
});
