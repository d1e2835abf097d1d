/** The names of a container. */
export interface ContainerLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Looks up the containers of the pods of this node; undefined for those that are not known. */
export interface PodNames {
  lookup(containerId: string, podUid: string): ContainerLabels | undefined;
}
