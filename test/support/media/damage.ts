/** Beginnings of a file, `count` of them from nothing to all but the last byte. */
export function beginnings(bytes: Buffer, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => bytes.subarray(0, Math.floor((index * (bytes.length - 1)) / (count - 1))));
}

/** Copies of a file with one to eight bits turned over, always the same ones for the same file and `count`. */
export function flipped(bytes: Buffer, count: number): Buffer[] {
  let state = bytes.length + count;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () => {
    const copy = Buffer.from(bytes);
    for (let flips = 1 + next(8); flips > 0; flips--) {
      const at = next(copy.length);
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << next(8)), at);
    }
    return copy;
  });
}
