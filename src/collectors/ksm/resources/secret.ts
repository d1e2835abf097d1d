import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, info, labels, namespaced, owner, plainInfo, resourceVersion } from '../common.ts';
import { defineResource } from '../resource.ts';

/**
 * The type is not part of the metadata, so a metadata-only request does not return it. A Table would (in its column
 * Type), but columns are meant for display: the API guarantees neither their names nor their stability. So full secrets
 * are listed when this resource is enabled, and each is dropped as soon as it is rendered; the RBAC permissions for
 * them are required anyway.
 */
interface Secret extends KubeObject {
  readonly type?: string;
}

/** Secrets: existence and type, never their content. */
export const secrets = defineResource<Secret>({
  name: 'secrets',
  kind: 'Secret',
  apiVersion: 'v1',
  namespaced: true,
  enabled: false,
  identity: namespaced('secret'),
  families: [
    plainInfo('kube_secret'),
    info('kube_secret_type', 'STABLE', 'The type of the secret.', ['type'], ({ type }) => [type]),
    annotations('kube_secret'),
    labels('kube_secret'),
    created('kube_secret'),
    resourceVersion('kube_secret'),
    owner('kube_secret', 'ALPHA'),
  ],
});
