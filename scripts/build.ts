// Makes dist/firesteel.mjs, which the image and the published package run, main.mjs behind it, and beside them the chunks
// that only some roles load: the Kubernetes client stays out of the node agent. Another folder than dist may be named as
// argument.
import { chmodSync, copyFileSync, cpSync, rmSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

/** Their modules only define things; unless told, esbuild would keep all 2,742 API models of the client. */
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
 * Parts that libraries load with themselves and nothing here uses, replaced by nothing: the bundle must run without a
 * node_modules beside it, and prom-client's default metrics want @opentelemetry/api from there.
 */
const UNUSED = /\/node_modules\/prom-client\/lib\/(?:cluster|defaultMetrics|pushgateway)\.js$/;

const unused: Plugin = {
  name: 'unused',
  setup({ onLoad }) {
    onLoad({ filter: UNUSED }, () => ({ contents: '' }));
  },
};

const [outdir = 'dist'] = process.argv.slice(2);
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/main.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  splitting: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  sourcemap: 'external',
  plugins: [sideEffectFree, unused],
  external: ['utf-8-validate', 'bufferutil', 'supports-color', 'pino-pretty'],
  // Some dependencies are CommonJS and call require() for node: modules.
  banner: {
    js: [
      "import{createRequire as __createRequire}from'node:module';",
      'const require=__createRequire(import.meta.url);',
      'const __filename=import.meta.filename,__dirname=import.meta.dirname;',
    ].join(''),
  },
});
copyFileSync('src/launcher.mjs', `${outdir}/firesteel.mjs`);
chmodSync(`${outdir}/firesteel.mjs`, 0o755);
cpSync('src/http/page', `${outdir}/page`, { recursive: true, filter: (path) => !path.endsWith('tsconfig.json') });
