import { MediakeepError } from '../errors.ts';

/** The part name of each file, and the paths in `operations` where it belongs: none, or one below `variables`. */
export type UploadMap = ReadonlyMap<string, readonly string[]>;

/** The `operations` of a form: one operation. BAD_USER_INPUT for a batch, or what is no JSON object. */
export function checkedOperations(text: string): object {
  const operations = parse('operations', text);
  if (Array.isArray(operations)) throw badForm('A request holds one operation, not a list.');
  if (!isObject(operations)) throw badForm('The part `operations` must be a JSON object.');
  return operations;
}

/**
 * The `map` of a form. BAD_USER_INPUT when a path does not lead to a variable, or a file belongs to two places: a file is read once.
 * Whatever stands in a placeholder, null or not, counts as one: clients differ.
 */
export function checkedMap(text: string, operations: object, maxFiles: number): UploadMap {
  const map = parse('map', text);
  if (!isObject(map)) throw badForm('The part `map` must be a JSON object.');
  const entries = Object.entries(map);
  if (entries.length > maxFiles) throw badForm(`A request can hold ${maxFiles} files; \`map\` names ${entries.length}.`);
  const taken = new Set<string>();
  return new Map(entries.map(([partName, paths]) => [partName, checkedPaths(partName, paths, operations, taken)]));
}

/** The name of the variable a path lies in. */
export function variableOf(path: string): string {
  return path.split('.')[1] ?? '';
}

function checkedPaths(partName: string, paths: unknown, operations: object, taken: Set<string>): string[] {
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) {
    throw badForm(`In the part \`map\`, ${quoted(partName)} must be a list of paths.`);
  }
  if (paths.length > 1)
    throw badForm(`The file ${quoted(partName)} belongs to ${paths.length} variables; send it once for each.`);
  return paths.map((path) => checkedPath(path, operations, taken));
}

function checkedPath(raw: string, operations: object, taken: Set<string>): string {
  // Apollo Sandbox writes the number of the file in front of the path, as if the request were a batch.
  const path = raw.replace(/^\d+\.(?=variables\.)/, '');
  const [root, ...steps] = path.split('.');
  if (root !== 'variables' || steps.length === 0 || !leadsInto(operations, [root, ...steps])) {
    throw badForm(`In the part \`map\`, ${quoted(raw)} is no path to a variable.`);
  }
  if (taken.has(path)) throw badForm(`In the part \`map\`, two files belong to ${quoted(raw)}.`);
  taken.add(path);
  return path;
}

/** Walks own properties only, and never onto a prototype. The last step of an object may be missing: some clients leave the placeholder out. */
function leadsInto(start: object, steps: readonly string[]): boolean {
  let place: unknown = start;
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    if (forbiddenSteps.has(step) || step === '') return false;
    if (Array.isArray(place)) {
      if (!/^\d+$/.test(step) || Number(step) >= place.length) return false;
    } else if (!isObject(place) || !(isLast || Object.hasOwn(place, step))) return false;
    place = (place as Record<string, unknown>)[step];
  }
  return true;
}

const forbiddenSteps: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function parse(part: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badForm(`The part \`${part}\` is not valid JSON.`, error);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a client sent, short enough for a message. */
function quoted(text: string): string {
  return `\`${text.length > 80 ? `${text.slice(0, 80)}…` : text}\``;
}

function badForm(message: string, cause?: unknown): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', message, cause === undefined ? {} : { cause });
}
