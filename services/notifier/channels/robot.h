/* RobotChannel -- markdown to the group robots of DingTalk, WeCom and Feishu. */
#pragma once

#include "loop/loop.h"
#include "notifier/channels/channel.h"

/* A system's secret has the robot's URL in `address`, and in `current` what it signs with. How
 * close together two messages may be is said by its kind's pace_ms(). */
Channel *robot_channel_new(Loop *loop, Outgoing *outgoing, ChannelSecrets secrets);
