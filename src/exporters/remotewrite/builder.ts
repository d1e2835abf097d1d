import type { Label } from '../../metrics/label-limits.ts';
import { FirstVersion } from './first-version.ts';
import type { RequestBuilder, Version } from './request.ts';
import { SecondVersion } from './second-version.ts';

/** An empty request in `version`; its series also get the labels of `target`. */
export const requestBuilder = (version: Version, target: readonly Label[]): RequestBuilder =>
  version === 1 ? new FirstVersion(target) : new SecondVersion(target);
