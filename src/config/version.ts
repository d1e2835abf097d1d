/** The version of this build; CHANGELOG.md tells what is in it. */
export const VERSION = '0.1.0';
