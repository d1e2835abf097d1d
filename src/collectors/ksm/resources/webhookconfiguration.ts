import type { KubeObject } from '../../../kube/object.ts';
import { created, type List, namespaced, plainInfo, resourceVersion, series } from '../common.ts';
import { defineResource, type KubeFamily } from '../resource.ts';

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: List<{
    readonly name?: string;
    readonly clientConfig?: {
      readonly service?: { readonly name?: string; readonly namespace?: string } | null;
    } | null;
  }>;
}

const families = (prefix: string): readonly KubeFamily<WebhookConfiguration>[] => [
  plainInfo(prefix, 'ALPHA'),
  created(prefix, 'ALPHA'),
  resourceVersion(prefix),
  series(
    `${prefix}_webhook_clientconfig_service`,
    'ALPHA',
    'The service called by each webhook; empty for a webhook called by URL.',
    ['webhook_name', 'service_name', 'service_namespace'],
    ({ webhooks }, emit) => {
      for (const { name, clientConfig } of webhooks ?? []) {
        emit(1, name, clientConfig?.service?.name, clientConfig?.service?.namespace);
      }
    },
  ),
];

/** MutatingWebhookConfigurations. Their series have a namespace label although they have no namespace. */
export const mutatingwebhookconfigurations = defineResource({
  name: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('mutatingwebhookconfiguration'),
  families: families('kube_mutatingwebhookconfiguration'),
});

/** ValidatingWebhookConfigurations, with a namespace label as well. */
export const validatingwebhookconfigurations = defineResource({
  name: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('validatingwebhookconfiguration'),
  families: families('kube_validatingwebhookconfiguration'),
});
