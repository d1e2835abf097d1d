import type { Family } from '../../metrics/family.ts';
import { connectionFamilies } from './connections.ts';
import { rootFilesystemFamilies } from './root-filesystems.ts';
import {
  constantSeries,
  creationSeries,
  deviceOperations,
  deviceSeries,
  hugePageSeries,
  limitSeries,
  memorySeries,
  networkSeries,
  readingSeries,
  timeSeries,
} from './series.ts';

/** Families that are always exported, and those of `families: kubelet` only. */
export interface FamilySets {
  readonly common: readonly Family[];
  readonly rest: readonly Family[];
  /** Families of the option `extra` only. */
  readonly extra?: readonly Family[];
}

const series = [timeSeries, readingSeries, limitSeries, deviceSeries, networkSeries].flat();
const familiesOf = (isCommon: boolean) => series.filter((one) => one.isCommon === isCommon).map(({ family }) => family);

/** The families of cgroups. */
export const containerFamilies: FamilySets = {
  common: [...new Set(familiesOf(true))],
  rest: [
    ...new Set([
      ...familiesOf(false),
      deviceOperations,
      ...rootFilesystemFamilies,
      ...constantSeries.map(({ family }) => family),
    ]),
  ],
  extra: [
    ...[...memorySeries, ...creationSeries, ...hugePageSeries].map(({ family }) => family),
    ...connectionFamilies,
  ],
};
