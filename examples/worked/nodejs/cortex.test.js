// Run it inside a scenario: fakecortex exec --scenario c1-discovered-not-connected -- node --test
import assert from 'node:assert';
import { test } from 'node:test';
import * as client from './cortex.js';

const open = client[process.env.CLIENT || 'openSessionPatiently'];

test('opens a session on the headset', async () => {
  const cortex = await client.Cortex.connect(process.env.FAKECORTEX_URL);
  const { cortexToken, id, status } = await open(cortex);
  assert.strictEqual(status, 'activated');
  await cortex.call('updateSession', { cortexToken, session: id, status: 'close' });
  cortex.close();
});
