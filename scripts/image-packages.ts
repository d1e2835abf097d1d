import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** The fields of a CycloneDX package that are written here. */
interface Component {
  readonly type: string;
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly object[];
}

/**
 * The files of the image that describe its contents, for scanners and inventories: path → text. The npm packages, Node and the
 * Debian packages of `libraries` (paths of files) with their licences as an SBOM, the texts of the licences, dpkg's records.
 */
export function packageFiles(libraries: readonly string[]): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = {
    'usr/share/doc/firesteel/copyright': read(join(PROJECT, 'LICENSE')),
  };
  const args = ['sbom', '--omit=dev', '--package-lock-only', '--sbom-format=cyclonedx'];
  const sbom = JSON.parse(run('npm', args)) as { components: Component[] };
  const npm = sbom.components;
  const node = ofNode();
  sbom.components = [...npm, node.component];
  files['usr/share/doc/firesteel/third-party.txt.gz'] = gzipSync([...npm.map(licenceTextOf), node.text].join(''));
  if (existsSync('/var/lib/dpkg/status')) {
    files['etc/os-release'] = read(realpathSync('/etc/os-release'));
    for (const name of new Set(libraries.map(packageOf).filter((found) => found !== undefined))) {
      const copyright = `usr/share/doc/${name}/copyright`;
      const text = existsSync(join('/', copyright)) ? read(join('/', copyright)) : '';
      // The folder of distroless images, which scanners read.
      files[`var/lib/dpkg/status.d/${name}`] = run('dpkg-query', ['--status', name]);
      if (text !== '') files[copyright] = text;
      sbom.components.push(ofDebian(name, text));
    }
  } else console.log('This system has no dpkg: the image lists no packages of its libraries.');
  files['usr/share/firesteel/sbom.cdx.json'] = JSON.stringify(sbom);
  return files;
}

/** Node, which bundles further libraries; their licences are in its licence text. */
function ofNode(): { component: Component; text: string } {
  const version = process.versions.node;
  const [file] = globSync(['LICENSE', '../LICENSE', '../../LICENSE'], { cwd: dirname(realpathSync(process.execPath)) });
  const text =
    file === undefined
      ? 'https://github.com/nodejs/node/blob/main/LICENSE\n'
      : read(join(dirname(realpathSync(process.execPath)), file));
  const component = {
    type: 'application',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    licenses: [{ license: { id: 'MIT' } }],
  };
  return { component, text: `=== node ${version}\n\n${text}\n` };
}

/** The licence text of an npm package; packages without one only name the licence in package.json. */
function licenceTextOf({ group, name, version }: Component): string {
  const folder = join(PROJECT, 'node_modules', group ?? '', name);
  const [file] = globSync('{LICENSE,LICENCE,license,License,COPYING}*', { cwd: folder });
  return file === undefined ? '' : `=== ${group ? `${group}/` : ''}${name} ${version}\n\n${read(join(folder, file))}\n`;
}

/** A Debian package, with the short names of licences in its copyright file. */
function ofDebian(name: string, copyright: string): Component {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a field of dpkg
  const version = run('dpkg-query', ['--show', '--showformat=${Version}', name]);
  const names = new Set([...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, licence = '']) => licence.trim()));
  const licences = names.size > 0 ? [...names] : [`see /usr/share/doc/${name}/copyright`];
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}`,
    licenses: licences.map((licence) => ({ license: { name: licence } })),
  };
}

/** The Debian package of a library; /lib is a link to /usr/lib, and dpkg may know the file by either name. */
function packageOf(library: string): string | undefined {
  for (const path of [library, join('/usr', library), realpathSync(library)]) {
    try {
      return run('dpkg', ['--search', path]).split(':', 1)[0];
    } catch {
      // Unknown under this name.
    }
  }
  return undefined;
}

const read = (path: string): string => readFileSync(path, 'utf8');

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, { cwd: PROJECT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 });
