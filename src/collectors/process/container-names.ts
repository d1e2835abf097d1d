/** The names of a container. */
export interface ContainerLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Looks up the known names of containers. */
export interface ContainerNames {
  lookup(containerId: string, podUid: string): ContainerLabels | undefined;
}
