import { expect, test } from '@jest/globals';
import { createTestDatabase, query } from '../support/database.ts';

test('every test database is empty, its own, and gone when dropped', async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await query(first.url, 'create table here as select 1');
  await expect(query(second.url, 'select * from here')).rejects.toThrow('relation "here" does not exist');
  await Promise.all([first.drop(), second.drop()]);
  await expect(query(first.url, 'select 1')).rejects.toThrow('does not exist');
});
