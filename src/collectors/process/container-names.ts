/** What a container is called. */
export interface ContainerLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** The names of containers, as far as they are known. */
export interface ContainerNames {
  lookup(containerId: string, podUid: string): ContainerLabels | undefined;
}
