/** A value at a time. */
export type Point = readonly [time: number, value: number];

/** The growth per unit of time by Theil and Sen: the median of the slopes of all pairs of points. Outliers do not move it. */
export function slopeOf(points: readonly Point[]): number {
  const slopes = points.flatMap(([time, value], index) =>
    points.slice(index + 1).map(([later, then]) => (then - value) / (later - time)),
  );
  slopes.sort((one, other) => one - other);
  const middle = slopes.length >> 1;
  const [before = Number.NaN, after = Number.NaN] = [slopes[middle - 1 + (slopes.length % 2)], slopes[middle]];
  return (before + after) / 2;
}
