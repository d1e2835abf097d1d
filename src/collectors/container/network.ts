/** Interfaces that cAdvisor leaves out: loopback, and the host's ends of the pods' own. */
const LEFT_OUT = /^(?:lo|veth|docker|nerdctl)/i;

/** Whether the traffic of an interface is reported. */
export const isReported = (name: string): boolean => !LEFT_OUT.test(name);
