// One resource of the API, below the collector that follows it.
import { showAge } from './ages.js';
import { el, setAttribute, setText } from './dom.js';
import { count } from './format.js';
import { resourceState } from './levels.js';

/** @import { ResourceStatus } from '../status-view.ts' */

/** @returns {import('./dom.js').View<ResourceStatus>} */
export function resourceRow() {
  const state = el('span', { class: 'state' });
  const name = el('th', { scope: 'row' });
  const reason = el('span');
  const next = el('time', { 'data-form': 'left' });
  const retry = el('span', {}, '; next try in ', next);
  const objects = el('td', { class: 'number', title: 'objects' });
  const event = el('time');
  const node = el(
    'tr',
    { class: 'resource' },
    el('td', {}, state),
    name,
    el('td', { class: 'reason' }, reason, retry),
    objects,
    el('td', { class: 'number wide', title: 'last event' }, event),
    el('td'),
    el('td', { class: 'wide' }),
    el('td', { class: 'act' }),
  );
  return {
    node,
    update(status) {
      setAttribute(node, 'id', `resource-${status.resource}`);
      const { level, word } = resourceState(status);
      setAttribute(node, 'data-level', level);
      setText(state, word);
      setText(name, status.resource);
      setText(reason, status.error ?? '');
      retry.hidden = status.nextTryMs === undefined;
      if (status.nextTryMs !== undefined) showAge(next, status.nextTryMs);
      setText(objects, count(status.objects));
      showAge(event, status.lastEventMs, '–');
    },
  };
}
