import { createHash } from 'node:crypto';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { NodePods, PodInfo } from '../../kube/pod-info.ts';

/** The response for one node, as it is sent. */
export interface NodeResponse {
  /**
   * Value of the ETag header. Derived from the content alone, so that all replicas return the same; weak, since the
   * content encoding may differ.
   */
  readonly etag: string;
  /** JSON of {@link NodePods}. */
  readonly gzip: Buffer;
}

/** The separator between pods and the suffix after the last one in the JSON of {@link NodePods}. */
const SEPARATOR = ',';
const TAIL = ']}';

/** The response built from the JSON of each pod. */
export function packPods(nodeName: string, resourceVersion: string, pods: readonly string[]): NodeResponse {
  const none: NodePods = { nodeName, resourceVersion, pods: [] };
  const json = JSON.stringify(none).slice(0, -TAIL.length) + pods.join(SEPARATOR) + TAIL;
  const hash = createHash('sha256').update(json).digest('base64url').slice(0, 22);
  const packed = gzipSync(json, { level: constants.Z_BEST_SPEED });
  // zlib returns a view of its buffer; a stored view would retain the whole buffer.
  const gzip = Buffer.allocUnsafeSlow(packed.length);
  packed.copy(gzip);
  return { etag: `W/"${hash}"`, gzip };
}

/** The JSON of each pod of a response; `lengths` are those of the texts it was built from. */
export function unpackPods({ gzip }: NodeResponse, lengths: readonly number[]): string[] {
  const json = gunzipSync(gzip).toString();
  const total = lengths.reduce((sum, length) => sum + length + SEPARATOR.length, -SEPARATOR.length);
  let start = json.length - TAIL.length - total;
  return lengths.map((length) => {
    const pod = json.slice(start, start + length);
    start += length + SEPARATOR.length;
    return pod;
  });
}

/** The response with other pods. */
export function withPods(response: NodeResponse, change: (pod: PodInfo) => PodInfo): NodeResponse {
  const { nodeName, resourceVersion, pods }: NodePods = JSON.parse(gunzipSync(response.gzip).toString());
  const changed = pods.map(change);
  if (changed.every((pod, index) => pod === pods[index])) return response;
  return packPods(
    nodeName,
    resourceVersion,
    changed.map((pod) => JSON.stringify(pod)),
  );
}
