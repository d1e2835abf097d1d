// The active configuration, and reloading it.
import { ApiError, post } from './api.js';
import { copyText } from './copy.js';
import { showResult } from './dialogs.js';
import { byId, setText } from './dom.js';
import { clock } from './format.js';
import { toYaml } from './yaml.js';

/** @import { ReloadView, StatusView } from '../status-view.ts' */

/** @returns {(status: StatusView) => void} */
export function configuration() {
  const text = byId('config-text');
  const result = byId('reload-result');
  const reload = /** @type {HTMLButtonElement} */ (byId('reload'));
  const copy = /** @type {HTMLButtonElement} */ (byId('config-copy'));
  let yaml = '';
  let shownReload = 0;

  reload.addEventListener('click', async () => {
    reload.disabled = true;
    showResult(result, await tryReload());
    reload.disabled = false;
  });
  copy.addEventListener('click', () => copyText(yaml, copy));

  return ({ config, reload: last, control }) => {
    reload.hidden = !control.reload;
    yaml = toYaml(config);
    setText(text, yaml);
    if (last === undefined || last.atMs === shownReload) return;
    shownReload = last.atMs;
    showResult(result, reloadResult(last, clock(last.atMs)));
  };
}

/** @returns {Promise<{ level: 'ok' | 'bad' | 'off', lines: readonly string[] }>} */
async function tryReload() {
  try {
    return reloadResult(await post('/v1/reload'), 'now');
  } catch (cause) {
    const refused = cause instanceof ApiError ? /** @type {Partial<ReloadView> | undefined} */ (cause.body) : undefined;
    if (refused?.refused) return reloadResult({ applied: [], refused: refused.refused }, 'now');
    return { level: 'bad', lines: [/** @type {Error} */ (cause).message] };
  }
}

/** @param {ReloadView} view @param {string} when @returns {{ level: 'ok' | 'bad' | 'off', lines: readonly string[] }} */
function reloadResult({ applied, refused }, when) {
  if (refused)
    return { level: 'bad', lines: [`Refused (${when}); the previous configuration remains active:`, ...refused] };
  if (applied.length === 0) return { level: 'off', lines: [`Reloaded (${when}): nothing changed.`] };
  return { level: 'ok', lines: [`Applied (${when}):`, ...applied] };
}
