// Builds dist/firesteel.mjs, which the image and the published package run, main.mjs, which it loads, and the chunks that
// only some roles load: node agents do not load the Kubernetes client. An argument names another folder than dist.
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { BUILDERS, OTHERS } from '../src/base/deferred-zod.ts';
import { joinChunks } from './join-chunks.ts';

/** Packages without side effects; unless marked as such, esbuild would include all 2,742 API models of the client. */
const SIDE_EFFECT_FREE = ['@kubernetes/client-node'];

const sideEffectFree: Plugin = {
  name: 'side-effect-free',
  setup({ onResolve, resolve }) {
    const resolved = Symbol('resolved');
    onResolve({ filter: /.*/ }, async ({ path, resolveDir, importer, kind, pluginData }) => {
      if (pluginData === resolved) return undefined;
      const result = await resolve(path, { resolveDir, importer, kind, pluginData: resolved });
      if (SIDE_EFFECT_FREE.some((name) => result.path.includes(`/node_modules/${name}/`))) result.sideEffects = false;
      return result;
    });
  },
};

/**
 * Unused modules that libraries load, replaced with empty ones: the bundle must run without a node_modules folder, and
 * prom-client's default metrics need @opentelemetry/api from there.
 */
const UNUSED = /\/node_modules\/prom-client\/lib\/(?:cluster|defaultMetrics|pushgateway)\.js$/;

const unused: Plugin = {
  name: 'unused',
  setup({ onLoad }) {
    onLoad({ filter: UNUSED }, () => ({ contents: '' }));
  },
};

/** Modules of Node that an import would load with all their dependencies; for node:http these are undici and HTTP/2, 7 MB. */
const DEFERRED_BUILTINS = ['node:crypto', 'node:http', 'node:https', 'node:tls', 'node:worker_threads'];

/** The used exports of yaml. */
const YAML = ['isNode', 'LineCounter', 'parseAllDocuments', 'parseDocument', 'stringify'];

/** Loads zod, yaml and these modules on first use. */
const whenUsed: Plugin = {
  name: 'when-used',
  setup({ onResolve, onLoad }) {
    const resolveDir = process.cwd();
    onResolve({ filter: /^(?:zod|yaml|node:.*)$/ }, ({ path, importer }) => {
      if (!/\/src\/|\/node_modules\/node-cron\//.test(importer)) return undefined;
      return !path.startsWith('node:') || DEFERRED_BUILTINS.includes(path)
        ? { path, namespace: 'when-used' }
        : undefined;
    });
    onLoad({ filter: /^zod$/, namespace: 'when-used' }, () => ({
      contents: [
        "import { builder, other } from './src/base/deferred-zod.ts';",
        "export { NEVER } from './src/base/deferred-zod.ts';",
        ...BUILDERS.map((name) => standIn(name, `builder('${name}')`)),
        ...OTHERS.map((name) => standIn(name, `other('${name}')`)),
      ].join('\n'),
      resolveDir,
    }));
    onLoad({ filter: /^node:/, namespace: 'when-used' }, async ({ path }) => ({
      contents: [
        "import { deferredBuiltin } from './src/base/deferred.ts';",
        ...Object.keys((await import(path)) as object)
          .filter((name) => name !== 'default' && name !== 'module.exports')
          .map((name) => standIn(name, `deferredBuiltin('${path}', '${name}')`)),
      ].join('\n'),
      resolveDir,
    }));
    onLoad({ filter: /^yaml$/, namespace: 'when-used' }, () => ({
      contents: [
        "import { deferredOf } from './src/base/deferred.ts';",
        ...YAML.map((name) => standIn(name, `deferredOf('yaml', '${name}')`)),
      ].join('\n'),
      resolveDir,
    }));
    onResolve({ filter: /^real-/ }, ({ path }) => ({ path, namespace: 'real' }));
    onLoad({ filter: /^real-/, namespace: 'real' }, ({ path }) => ({
      contents: `export { ${path === 'real-zod' ? [...BUILDERS, ...OTHERS] : YAML} } from '${path.slice('real-'.length)}';`,
      resolveDir,
    }));
  },
};

/** Exports `made` as `name`; omitted if it is not imported. */
const standIn = (name: string, made: string): string =>
  `const _${name} = /* @__PURE__ */ ${made}; export { _${name} as ${name} };`;

/** Loaded together by all agents, by those with host collectors, by the program before it knows its command, and by the process that checks the configuration. */
const STARTS = {
  program: ['src/main.ts'],
  node: [
    'src/commands/run.ts',
    'src/agent/agent.ts',
    'src/exporters/delivery/http-exporter.ts',
    'src/exporters/victoriametrics/vmagent.ts',
  ],
  settings: ['src/check-settings.ts'],
  host: ['src/collectors/host-groups.ts'],
};

const [outdir = 'dist'] = process.argv.slice(2);
rmSync(outdir, { recursive: true, force: true });
const options: BuildOptions = {
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  sourcemap: 'external',
  external: ['utf-8-validate', 'bufferutil', 'supports-color', 'pino-pretty'],
  // Some dependencies are CommonJS and call require() for node: modules.
  banner: {
    js: [
      "import{createRequire as __createRequire}from'node:module';",
      'const require=__createRequire(import.meta.url);',
      'const __filename=import.meta.filename,__dirname=import.meta.dirname;',
    ].join(''),
  },
};
const folder = join(outdir, 'split');
const { metafile } = await build({
  ...options,
  entryPoints: { main: 'src/main.ts', 'check-settings': 'src/check-settings.ts', zod: 'real-zod', yaml: 'real-yaml' },
  outdir: folder,
  chunkNames: 'chunks/[name]-[hash]',
  splitting: true,
  metafile: true,
  // For the second pass: joined files contain each licence comment and source map once.
  legalComments: 'inline',
  sourcemap: 'linked',
  banner: {},
  plugins: [whenUsed, sideEffectFree, unused],
  // Fails for a builder of zod that src/base/deferred-zod.ts does not list.
  logOverride: { 'import-is-undefined': 'error' },
});
await joinChunks({ folder, outputs: metafile.outputs, options }, outdir, STARTS, { host: 'node' });
rmSync(folder, { recursive: true });
writeFileSync(`${outdir}/firesteel.mjs`, readFileSync('src/launcher.mjs', 'utf8').replace('./main.ts', './main.mjs'));
chmodSync(`${outdir}/firesteel.mjs`, 0o755);
cpSync('src/http/page', `${outdir}/page`, { recursive: true, filter: (path) => !path.endsWith('tsconfig.json') });
