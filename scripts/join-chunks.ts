// Joins the chunks that esbuild makes when it splits a bundle. It makes one for each set of entry points that share code:
// 190 files, of which a node agent would load 90 at its start, with a quarter of its CPU time in the loader of modules.
import { join, posix, relative } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

/** Entry points whose chunks are loaded together at a start: their sources, by the name of the joined file. */
export type Starts = Readonly<Record<string, readonly string[]>>;

/** Starts that follow another one, which has loaded what they share: the name of that one, which precedes them. */
export type Within = Readonly<Record<string, string>>;

/** A file that esbuild wrote. */
type Output = Metafile['outputs'][string];

/**
 * The chunks of `outputs` by the file that they are joined into: chunks that are loaded in the same starts share a file.
 * Entry points remain separate files. As a chunk imports only what is loaded with it, the joined files have no circular imports.
 */
export function joined(
  outputs: Readonly<Record<string, Output>>,
  starts: Starts,
  within: Within = {},
): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [name, sources] of Object.entries(starts)) {
    for (const path of loadedWith(outputs, sources)) {
      const before = names.get(path) ?? [];
      if (!before.includes(within[name] ?? '')) names.set(path, [...before, name]);
    }
  }
  const files = new Map<string, string[]>();
  for (const [path, of] of names) {
    if (outputs[path]?.entryPoint !== undefined) continue;
    const file = of.join('-and-');
    files.set(file, [...(files.get(file) ?? []), path]);
  }
  return files;
}

/** The files that are loaded when these entry points are. */
function loadedWith(outputs: Readonly<Record<string, Output>>, sources: readonly string[]): Set<string> {
  const loaded = new Set<string>();
  const load = (path: string) => {
    const output = outputs[path];
    if (output === undefined || loaded.has(path)) return;
    loaded.add(path);
    for (const { path: imported, kind } of output.imports) if (kind === 'import-statement') load(imported);
  };
  for (const source of sources) {
    const entry = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source);
    if (entry === undefined) throw new Error(`${source} is not an entry point of the bundle`);
    load(entry[0]);
  }
  return loaded;
}

/** A bundle that esbuild has split: its folder, its files, and the options that they were made with. */
export interface SplitBundle {
  readonly folder: string;
  readonly outputs: Readonly<Record<string, Output>>;
  readonly options: BuildOptions;
}

/** Writes a bundle to `to` with its chunks joined. Other files keep their names, and source maps lead to the sources. */
export async function joinChunks(
  { folder, outputs, options }: SplitBundle,
  to: string,
  starts: Starts,
  within: Within,
): Promise<void> {
  const files = joined(outputs, starts, within);
  const fileOf = new Map([...files].flatMap(([file, paths]) => paths.map((path) => [path, file] as const)));
  const scripts = Object.keys(outputs).filter((path) => path.endsWith('.mjs'));
  const kept = scripts.filter((path) => !fileOf.has(path));
  await build({
    ...options,
    entryPoints: Object.fromEntries([
      ...kept.map((path) => [relative(folder, path).replace(/\.mjs$/, ''), `./${path}`]),
      ...[...files.keys()].map((file) => [`chunks/${file}`, `joined:${file}`]),
    ]),
    outdir: to,
    plugins: [joining(folder, outputs, files, fileOf)],
  });
}

/** Bundles the chunks of one joined file; imports from chunks of other joined files refer to these files. */
function joining(
  folder: string,
  outputs: Readonly<Record<string, Output>>,
  files: ReadonlyMap<string, readonly string[]>,
  fileOf: ReadonlyMap<string, string>,
): Plugin {
  const resolveDir = process.cwd();
  const numbers = new Map([...fileOf.keys()].map((chunk, number) => [chunk, number]));
  /** The exports of a chunk, and their unique names in the joined file: chunks may export different things under one name. */
  const names = (chunk: string) =>
    (outputs[chunk]?.exports ?? []).map((name) => ({ name, unique: `c${numbers.get(chunk)}_${name}` }));
  return {
    name: 'joining',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^joined:/ }, ({ path }) => ({ path: path.slice('joined:'.length), namespace: 'joined' }));
      onResolve({ filter: /^\./ }, ({ path, importer, kind, namespace }) => {
        if (kind === 'entry-point' || namespace === 'joined') return { path: join(resolveDir, path) };
        if (namespace === 'elsewhere') return { path, external: true };
        const chunk = relative(resolveDir, join(importer, '..', path));
        const file = fileOf.get(chunk);
        if (file === undefined) return { path, external: true };
        if (file === fileOf.get(relative(resolveDir, importer))) return { path: join(resolveDir, chunk) };
        const isBeside = posix.dirname(relative(folder, importer)) === 'chunks';
        const pluginData = `${isBeside ? '.' : './chunks'}/${file}.mjs`;
        return { path: chunk, namespace: 'elsewhere', suffix: `?${pluginData}`, pluginData };
      });
      onLoad({ filter: /.*/, namespace: 'joined' }, ({ path }) => ({
        contents: (files.get(path) ?? [])
          .map((chunk) => {
            const exported = names(chunk).map(({ name, unique }) => `${name} as ${unique}`);
            return `import './${chunk}'; export { ${exported} } from './${chunk}';`;
          })
          .join('\n'),
        resolveDir,
      }));
      onLoad({ filter: /.*/, namespace: 'elsewhere' }, ({ path, pluginData: file }) => {
        const exported = names(path).map(({ name, unique }) => `${unique} as ${name}`);
        return { contents: `import '${file}'; export { ${exported} } from '${file}';`, resolveDir };
      });
    },
  };
}
