import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, info, labels, namespaced, owner, plainInfo, resourceVersion } from '../common.ts';
import { defineResource } from '../resource.ts';

/**
 * The type stands outside of the metadata, so a request for metadata alone does not bring it. A Table would (its column
 * Type), but columns are made for people: the API promises neither their names nor that they stay. So whole secrets are
 * listed when this resource is enabled, and each is dropped as soon as it is told; RBAC for them has to be given anyway.
 */
interface Secret extends KubeObject {
  readonly type?: string;
}

/** Secrets: that they are there and of which type, never what is in them. */
export const secrets = defineResource<Secret>({
  name: 'secrets',
  kind: 'Secret',
  apiVersion: 'v1',
  namespaced: true,
  enabled: false,
  identity: namespaced('secret'),
  families: [
    plainInfo('kube_secret'),
    info('kube_secret_type', 'STABLE', 'What kind of secret it is.', ['type'], ({ type }) => [type]),
    annotations('kube_secret'),
    labels('kube_secret'),
    created('kube_secret'),
    resourceVersion('kube_secret'),
    owner('kube_secret', 'ALPHA'),
  ],
});
