import type { Random } from './random.ts';

/** A copy with one to four accidents: flipped bits, extreme numbers, pieces that are cut off, taken out, doubled, swapped or made up. */
export function mutated(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let count = 1 + random.below(4); count > 0; count -= 1) bytes = random.pick(accidents)(bytes, random);
  return bytes;
}

type Accident = (bytes: Buffer, random: Random) => Buffer;

const accidents: readonly Accident[] = [flipBits, flipBits, flipBits, extremeNumber, cutOff, takeOut, double, swap, makeUp];

function flipBits(bytes: Buffer, random: Random): Buffer {
  for (let count = random.below(8); count >= 0 && bytes.length > 0; count -= 1) {
    const place = placeIn(bytes, random);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << random.below(8));
  }
  return bytes;
}

/** Most formats count in four bytes. */
function extremeNumber(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < 4) return bytes;
  const place = Math.min(placeIn(bytes, random), bytes.length - 4);
  const value = random.pick([0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
  if (random.chance(0.5)) bytes.writeUInt32BE(value, place);
  else bytes.writeUInt32LE(value, place);
  return bytes;
}

function cutOff(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, placeIn(bytes, random));
}

function takeOut(bytes: Buffer, random: Random): Buffer {
  const start = placeIn(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(64))]);
}

function double(bytes: Buffer, random: Random): Buffer {
  const start = placeIn(bytes, random);
  const end = start + random.below(1000);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start, end), bytes.subarray(end)]);
}

function swap(bytes: Buffer, random: Random): Buffer {
  const middle = placeIn(bytes, random);
  const start = random.below(middle + 1);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(middle), bytes.subarray(start, middle)]);
}

function makeUp(bytes: Buffer, random: Random): Buffer {
  const place = placeIn(bytes, random);
  return Buffer.concat([bytes.subarray(0, place), random.bytes(random.below(64)), bytes.subarray(place)]);
}

/** The head of a file decides most: half of all accidents happen there. */
function placeIn(bytes: Buffer, random: Random): number {
  return random.below(random.chance(0.5) ? Math.min(bytes.length, 200) : bytes.length);
}
