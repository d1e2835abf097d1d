import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, info, type List, labels, namespaced, series, single, unixSeconds } from '../common.ts';
import { defineResource } from '../resource.ts';

interface ServiceAccount extends KubeObject {
  readonly automountServiceAccountToken?: boolean | null;
  readonly secrets?: List<{ readonly name?: string }>;
  readonly imagePullSecrets?: List<{ readonly name?: string }>;
}

/** ServiceAccounts: the secrets they reference. */
export const serviceaccounts = defineResource<ServiceAccount>({
  name: 'serviceaccounts',
  kind: 'ServiceAccount',
  apiVersion: 'v1',
  namespaced: true,
  enabled: false,
  identity: namespaced('serviceaccount', 'uid'),
  families: [
    info(
      'kube_serviceaccount_info',
      'ALPHA',
      'Whether the token of the account is mounted into its pods; empty when unset.',
      ['automount_token'],
      ({ automountServiceAccountToken }) => [automountServiceAccountToken?.toString()],
    ),
    created('kube_serviceaccount', 'ALPHA'),
    single(
      'kube_serviceaccount_deleted',
      'ALPHA',
      'When deletion of the object was requested, in seconds since 1970.',
      ({ metadata }) => unixSeconds(metadata?.deletionTimestamp),
    ),
    series(
      'kube_serviceaccount_secret',
      'ALPHA',
      'Secrets that pods of the account may use.',
      ['name'],
      ({ secrets }, emit) => {
        for (const { name } of secrets ?? []) emit(1, name);
      },
    ),
    series(
      'kube_serviceaccount_image_pull_secret',
      'ALPHA',
      'Secrets for pulling images.',
      ['name'],
      ({ imagePullSecrets }, emit) => {
        for (const { name } of imagePullSecrets ?? []) emit(1, name);
      },
    ),
    annotations('kube_serviceaccount'),
    labels('kube_serviceaccount', 'ALPHA'),
  ],
});
