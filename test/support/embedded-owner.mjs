// A process that owns an embedded PostgreSQL: node embedded-owner.mjs DATA_DIR [EXIT_CODE]
// Prints the URL, then stays until it is killed; with EXIT_CODE it stops the server and ends with that code instead.
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';

const [dataDir, exitCode] = process.argv.slice(2);
const postgres = await startEmbeddedPostgres({ dataDir });
console.log(postgres.url);
if (exitCode === undefined) {
  setInterval(() => {}, 60_000);
} else {
  process.exitCode = Number(exitCode);
  await postgres.stop();
}
