/** Where pictures stand: rows of equal height and full width, in which each keeps its own proportions. */

/** What is laid out. */
export interface Framed {
  readonly id: string;
  /** Width by height. */
  readonly ratio: number;
  /** The heading it stands under; neighbours share it. */
  readonly group: string;
}

/** A place, in CSS pixels from the upper left of the gallery. */
export interface Place {
  readonly id: string;
  /** Which of all, from 0. */
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A heading and what stands under it. */
export interface Section {
  readonly title: string;
  readonly y: number;
  readonly height: number;
  readonly places: readonly Place[];
}

/** How rows are made. */
export interface Grid {
  readonly width: number;
  readonly rowHeight: number;
  readonly gap: number;
  readonly headingHeight: number;
}

/** A picture narrower or wider than these is shown cropped: a panorama of ten to one would be a row of a finger's height. */
const narrowest = 0.5;
const widest = 3;

/** How much taller than it should be a row may become, rather than flat. */
const tallest = 1.5;

/** Lays out all items; 10,000 of them take a few milliseconds. */
export function layOut(items: readonly Framed[], grid: Grid): Section[] {
  const sections: Section[] = [];
  let y = 0;
  for (let start = 0; start < items.length; ) {
    const title = items[start]?.group ?? '';
    let end = start;
    while (end < items.length && items[end]?.group === title) end += 1;
    const { places, bottom } = rowsOf(items.slice(start, end), { ...grid, y: y + grid.headingHeight, index: start });
    sections.push({ title, y, height: bottom - y, places });
    y = bottom + grid.gap * 2;
    start = end;
  }
  return sections;
}

/** The place that somebody means who goes up (-1) or down (1) a row from `from`: the one whose middle is nearest. */
export function neighbour(places: readonly Place[], from: Place, direction: 1 | -1): Place | undefined {
  const beyond = places.filter(({ y }) => (direction > 0 ? y > from.y : y < from.y));
  const row = direction > 0 ? Math.min(...beyond.map(({ y }) => y)) : Math.max(...beyond.map(({ y }) => y));
  const middle = (place: Place): number => place.x + place.width / 2;
  const distance = (place: Place): number => Math.abs(middle(place) - middle(from));
  return beyond.filter(({ y }) => y === row).toSorted((a, b) => distance(a) - distance(b))[0];
}

function rowsOf(items: readonly Framed[], grid: Grid & { y: number; index: number }): { places: Place[]; bottom: number } {
  const places: Place[] = [];
  let { y } = grid;
  let row: { id: string; ratio: number }[] = [];
  let ratios = 0;
  const close = (height: number): void => {
    let x = 0;
    for (const { id, ratio } of row) {
      const width = ratio * height;
      places.push({ id, index: grid.index + places.length, x, y, width, height });
      x += width + grid.gap;
    }
    y += height + grid.gap;
    row = [];
    ratios = 0;
  };
  const heightWith = (extra: number, count: number): number => (grid.width - grid.gap * (count - 1)) / (ratios + extra);
  for (const { id, ratio } of items) {
    const framed = Math.min(Math.max(ratio, narrowest), widest);
    const [without, withIt] = [heightWith(0, row.length), heightWith(framed, row.length + 1)];
    // A wide one that would press its row flat begins the next, unless that would leave this row much too tall.
    const isBetterWithout =
      row.length > 0 && without < grid.rowHeight * tallest && without / grid.rowHeight < grid.rowHeight / withIt;
    if (isBetterWithout) close(without);
    row.push({ id, ratio: framed });
    ratios += framed;
    const height = heightWith(0, row.length);
    if (height <= grid.rowHeight) close(height);
  }
  // What is left does not fill a row: stretched, one picture would be as large as the screen.
  if (row.length > 0) close(Math.min(heightWith(0, row.length), grid.rowHeight));
  return { places, bottom: y - grid.gap };
}
