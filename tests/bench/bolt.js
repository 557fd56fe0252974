// A peer of the `ack` figures: Slack Bolt for JS that acknowledges every command at once and keeps nothing.
// It checks each signature, as Slipway does. Prints its port.
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');

const receiver = new HTTPReceiver({
    signingSecret: process.env.SLACK_SECRET,
    endpoints: ['/slack/commands'],
    logLevel: LogLevel.ERROR,
});
const app = new App({
    receiver,
    logLevel: LogLevel.ERROR,
    authorize: async () => ({ botToken: 'xoxb-bench', botId: 'B0BENCH', botUserId: 'U0BENCH' }),
});
app.command(/.*/, async ({ ack }) => ack());
app.start({ port: 0, host: '127.0.0.1' }).then((server) => console.log(`port ${server.address().port}`));
