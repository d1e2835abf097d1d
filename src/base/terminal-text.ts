/** Text of hosts, clients and receivers without control characters, which would affect the terminal. */
export const terminalText = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
