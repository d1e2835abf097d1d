// npm run image-root [DIR]: writes the root file system of the image to a folder, without a container engine. The
// Dockerfile does the same in its build stage and copies the folder into an empty image, so that tests of this folder
// test what runs on nodes: Node, the libraries that it is linked with, the bundle, its compile cache, and no shell.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readImageConfig } from './image-config.ts';
import { packageFiles } from './image-packages.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const { entrypoint, env } = readImageConfig(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
const [nodePath = '', ...nodeFlags] = entrypoint.slice(0, -1);
const bundle = entrypoint.at(-1) as string;
const cache = env.NODE_COMPILE_CACHE as string;

/** Mount points of container runtimes, which they could not create on a read-only root. */
const MOUNT_POINTS = ['dev', 'etc/firesteel', 'host/proc', 'host/root', 'host/sys', 'proc', 'sys', 'var/lib/firesteel'];

/** The program's name on PATH. */
const PROGRAM = 'usr/bin/firesteel';

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
};

/** Node's shared libraries, as listed in its own report; the first is the kernel's, which is not a file. */
function nodeLibraries(): string[] {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.filter((path) => path.startsWith('/'));
}

function layOut(root: string): void {
  for (const folder of MOUNT_POINTS) mkdirSync(join(root, folder), { recursive: true });
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const [path, text] of Object.entries(FILES)) write(root, path, text);
  copy(process.execPath, join(root, nodePath));
  for (const library of nodeLibraries()) copy(library, join(root, library));
  runNode(['--disable-warning=ExperimentalWarning', join(PROJECT, 'scripts/build.ts'), join(root, dirname(bundle))]);
  writeProgram(root);
  for (const map of globSync(join(root, dirname(bundle), '**/*.map'))) rmSync(map);
  fillCompileCache(root);
  for (const [path, text] of Object.entries(packageFiles(nodeLibraries()))) write(root, path, text);
}

/** `firesteel` on PATH, for `kubectl exec POD -- firesteel status`: the kernel starts Node through its first line, without a shell. */
function writeProgram(root: string): void {
  const [silent = ''] = nodeFlags;
  write(root, PROGRAM, `#!${nodePath} ${silent}\nimport(${JSON.stringify(bundle)});\n`);
  chmodSync(join(root, PROGRAM), 0o755);
}

/** Runs the code that agents run, so that its functions are in the cache, and loads the other chunks. */
function fillCompileCache(root: string): void {
  const started = { ...process.env, ...env, NODE_COMPILE_CACHE: join(root, cache) };
  const chunks = globSync(join(root, dirname(bundle), 'chunks/*.mjs')).map((path) => `import ${JSON.stringify(path)};`);
  runNode([...nodeFlags, '--input-type=module', '--eval', chunks.join('')], started);
  runNode([...nodeFlags, join(root, bundle), 'collect', '--only', 'node.cpu,node.meminfo,process'], started);
  // Node creates them for its own user only; in a container the user is another one.
  for (const entry of globSync(join(root, cache, '*/*'))) chmodSync(entry, 0o644);
}

function write(root: string, path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, statSync(from).mode | 0o444);
}

const runNode = (args: readonly string[], environment: NodeJS.ProcessEnv = process.env): void => {
  execFileSync(process.execPath, args, { cwd: PROJECT, env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
};

function showSizes(root: string): void {
  const size = (paths: readonly string[]) =>
    paths.reduce((sum, path) => sum + statSync(join(root, path)).size, 0) / 1e6;
  const all = globSync('**/*', { cwd: root, exclude: [] }).filter((path) => statSync(join(root, path)).isFile());
  const node = [nodePath.slice(1)];
  const libraries = nodeLibraries().map((path) => path.slice(1));
  const rest = all.filter((path) => !node.includes(path) && !libraries.includes(path));
  for (const [title, paths] of Object.entries({ Node: node, 'its libraries': libraries, 'all else': rest })) {
    console.log(`${title.padEnd(14)} ${size(paths).toFixed(1).padStart(6)} MB in ${paths.length} files`);
  }
}

const root = process.argv[2] ?? join(PROJECT, 'image-root');
rmSync(root, { recursive: true, force: true });
layOut(root);
showSizes(root);
