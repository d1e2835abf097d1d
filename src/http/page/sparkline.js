// The last values of something as a small line.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 96;
const HEIGHT = 20;
/** Room for the line's own width. */
const EDGE = 1.5;

/**
 * The points of a polyline through `values`, newest at the right; the largest value touches the upper edge, 0 the lower.
 * @param {readonly number[]} values
 * @param {number} slots how many values fill the whole width
 */
export function sparkPoints(values, slots) {
  const largest = Math.max(...values, Number.MIN_VALUE);
  const step = (WIDTH - 2 * EDGE) / Math.max(1, slots - 1);
  return values
    .map((value, index) => {
      const x = WIDTH - EDGE - (values.length - 1 - index) * step;
      const y = HEIGHT - EDGE - (value / largest) * (HEIGHT - 2 * EDGE);
      return `${round(x)},${round(y)}`;
    })
    .join(' ');
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * A sparkline and how to change it; hidden from screen readers, which have the last value beside it.
 * @param {number} slots
 */
export function sparkline(slots) {
  const node = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'polyline');
  for (const [name, value] of Object.entries({
    class: 'spark',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    width: String(WIDTH),
    height: String(HEIGHT),
    'aria-hidden': 'true',
  })) {
    node.setAttribute(name, value);
  }
  node.append(line);
  return {
    node,
    /** @param {readonly number[]} values */
    update(values) {
      const points = values.length < 2 ? '' : sparkPoints(values, slots);
      if (line.getAttribute('points') !== points) line.setAttribute('points', points);
    },
  };
}
