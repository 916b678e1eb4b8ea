import { ormOptions } from './src/database/connection.ts';

/** For MikroORM's command line alone (`npx mikro-orm migration:create`); the product reads its environment in src/config.ts. */
export default () => {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('Set DATABASE_URL to the database that the command is meant for.');
  return ormOptions(url);
};
