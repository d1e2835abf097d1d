/** The version of this build; CHANGELOG.md lists its changes. */
export const VERSION = '0.1.0';
