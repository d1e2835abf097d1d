import type { Resource } from '../resource.ts';
import { mutatingadmissionpolicies, validatingadmissionpolicies } from './admissionpolicy.ts';
import { mutatingadmissionpolicybindings, validatingadmissionpolicybindings } from './admissionpolicybinding.ts';
import { certificatesigningrequests } from './certificatesigningrequest.ts';
import { configmaps } from './configmap.ts';
import { cronjobs } from './cronjob.ts';
import { daemonsets } from './daemonset.ts';
import { deployments } from './deployment.ts';
import { endpoints } from './endpoint.ts';
import { endpointslices } from './endpointslice.ts';
import { horizontalpodautoscalers } from './horizontalpodautoscaler.ts';
import { ingresses } from './ingress.ts';
import { ingressclasses } from './ingressclass.ts';
import { jobs } from './job.ts';
import { leases } from './lease.ts';
import { limitranges } from './limitrange.ts';
import { namespaces } from './namespace.ts';
import { networkpolicies } from './networkpolicy.ts';
import { nodes } from './node.ts';
import { persistentvolumes } from './persistentvolume.ts';
import { persistentvolumeclaims } from './persistentvolumeclaim.ts';
import { pods } from './pod.ts';
import { poddisruptionbudgets } from './poddisruptionbudget.ts';
import { replicasets } from './replicaset.ts';
import { replicationcontrollers } from './replicationcontroller.ts';
import { resourcequotas } from './resourcequota.ts';
import { clusterroles, roles } from './role.ts';
import { clusterrolebindings, rolebindings } from './rolebinding.ts';
import { secrets } from './secret.ts';
import { services } from './service.ts';
import { serviceaccounts } from './serviceaccount.ts';
import { statefulsets } from './statefulset.ts';
import { storageclasses } from './storageclass.ts';
import { volumeattachments } from './volumeattachment.ts';
import { mutatingwebhookconfigurations, validatingwebhookconfigurations } from './webhookconfiguration.ts';

/** All built-in resources, by name. */
export const resources: readonly Resource[] = [
  certificatesigningrequests,
  clusterrolebindings,
  clusterroles,
  configmaps,
  cronjobs,
  daemonsets,
  deployments,
  endpoints,
  endpointslices,
  horizontalpodautoscalers,
  ingressclasses,
  ingresses,
  jobs,
  leases,
  limitranges,
  mutatingadmissionpolicies,
  mutatingadmissionpolicybindings,
  mutatingwebhookconfigurations,
  namespaces,
  networkpolicies,
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  poddisruptionbudgets,
  pods,
  replicasets,
  replicationcontrollers,
  resourcequotas,
  rolebindings,
  roles,
  secrets,
  serviceaccounts,
  services,
  statefulsets,
  storageclasses,
  validatingadmissionpolicies,
  validatingadmissionpolicybindings,
  validatingwebhookconfigurations,
  volumeattachments,
];
