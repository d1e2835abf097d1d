// The last values as a small line chart.

const SVG = 'http://www.w3.org/2000/svg';
/** Size of the small chart in a row. */
const SIZE = { width: 96, height: 20 };
/** Room for the line's own width. */
const EDGE = 1.5;

/**
 * The points of a polyline through `values`, newest at the right; the largest value touches the upper edge, 0 the lower.
 * @param {readonly number[]} values
 * @param {number} slots how many values fill the whole width
 * @param {{ readonly width: number, readonly height: number }} size
 */
export function sparkPoints(values, slots, { width, height } = SIZE) {
  const largest = Math.max(...values, Number.MIN_VALUE);
  const step = (width - 2 * EDGE) / Math.max(1, slots - 1);
  return values
    .map((value, index) => {
      const x = width - EDGE - (values.length - 1 - index) * step;
      const y = height - EDGE - (value / largest) * (height - 2 * EDGE);
      return `${round(x)},${round(y)}`;
    })
    .join(' ');
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * A sparkline and its update function; hidden from screen readers, for which the last value is next to it.
 * @param {number} slots
 * @param {{ readonly width: number, readonly height: number }} size
 */
export function sparkline(slots, size = SIZE) {
  const node = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'polyline');
  for (const [name, value] of Object.entries({
    class: 'spark',
    viewBox: `0 0 ${size.width} ${size.height}`,
    width: String(size.width),
    height: String(size.height),
    // Those of the history are as wide as their card.
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })) {
    node.setAttribute(name, value);
  }
  node.append(line);
  return {
    node,
    /** @param {readonly number[]} values @param {number} [width] how many values fill it, if changed */
    update(values, width = slots) {
      const points = values.length < 2 ? '' : sparkPoints(values, width, size);
      if (line.getAttribute('points') !== points) line.setAttribute('points', points);
    },
  };
}
