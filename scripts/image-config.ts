/** How an image runs, according to its Dockerfile. */
export interface ImageConfig {
  /** Program, its options and the bundle. */
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `uid:gid`. */
  readonly user: string;
}

/** Reads ENTRYPOINT (as a JSON list), ENV and USER of the last stage of `dockerfile`. */
export function readImageConfig(dockerfile: string): ImageConfig {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')).replaceAll(/\\\n\s*/g, '');
  const instructions = (name: string) =>
    [...last.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, value = '']) => value);
  const env = instructions('ENV').flatMap((line) => line.split(/ +/));
  return {
    entrypoint: JSON.parse(instructions('ENTRYPOINT')[0] ?? '[]') as string[],
    env: Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
    user: instructions('USER')[0] ?? '',
  };
}
