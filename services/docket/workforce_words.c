/* WorkforceWords -- a greeting, the matter, a closing: each picked by its own part of the dice. */
#include "docket/workforce_words.h"

typedef struct Sentences {
    const char *const *p;
    uint64_t n;
} Sentences;

#define SENTENCES(...)                                                                             \
    ((Sentences){(const char *const[]){__VA_ARGS__},                                               \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)})

static void add(Buf *b, Sentences s, uint64_t *dice) {
    buf_adds(b, s.p[work_dice(dice) % s.n]);
}

static void greet(Buf *b, uint64_t *dice) {
    add(b,
        SENTENCES("您好，给您带来不便非常抱歉。", "您好，让您久等了，实在抱歉。",
                  "您好，您反馈的问题已经看到，我们深表歉意。", "您好，很抱歉这次没有让您满意。",
                  "您好，抱歉耽误了您的时间。"),
        dice);
}

static void reply(Buf *b, uint64_t *dice) {
    greet(b, dice);
    add(b,
        SENTENCES("我已经联系仓库核对您的订单，预计两小时内有结果。",
                  "我刚查了物流轨迹，包裹在中转站，已请承运方优先派送。",
                  "退款申请已经提交财务复核，进度会在订单页更新。",
                  "您的情况我已经登记，正在和负责的同事确认处理办法。",
                  "我这边先为您冻结这笔异常扣款，技术同事正在核查。",
                  "维修师傅的时间我正在协调，稍后给您确认上门时段。",
                  "发票信息已经更正，重新开具后会发到您预留的邮箱。"),
        dice);
    add(b, SENTENCES("有进展我会第一时间回复您。", "请您稍等，感谢理解。", "麻烦您再耐心等一等。"),
        dice);
}

static void ask(Buf *b, uint64_t *dice) {
    greet(b, dice);
    add(b,
        SENTENCES("为了尽快处理，麻烦您补充一张商品问题部位的照片。",
                  "请问您方便提供一下收货时外包装的照片吗？",
                  "请您确认一下希望换货还是退款，我按您的意思登记。",
                  "请问问题是从什么时候开始出现的，屏幕上有没有提示代码？",
                  "请您核对收件地址是否有变化，确认后我马上安排。",
                  "请告诉我方便接听电话的时间段，我们约一次回访。"),
        dice);
    add(b, SENTENCES("收到您的回复后我会继续跟进。", "谢谢您的配合。"), dice);
}

static void solve(Buf *b, uint64_t *dice) {
    greet(b, dice);
    add(b,
        SENTENCES("您的问题已经处理好：新的商品今天发出，旧件不用寄回。",
                  "退款已经原路退回，到账时间以银行为准，一般一到三个工作日。",
                  "包裹今天上午已经妥投，请您留意查收。",
                  "账号异常已经解除，请重新登录并更换密码。", "差价已按价保规则补到您的账户余额。",
                  "清关资料已经补齐，海关放行后会自动继续派送。",
                  "您的建议已经转给产品同事，会在后续版本里考虑。"),
        dice);
    add(b,
        SENTENCES("如果还有问题，直接回复这张工单就可以。", "再次向您致歉，祝您生活愉快。",
                  "感谢您的耐心，欢迎对本次服务评价。"),
        dice);
}

static void note(Buf *b, uint64_t *dice) {
    add(b,
        SENTENCES("已电话核实：客户情绪平稳，接受补发方案。", "仓库回复：库存充足，可当日补发。",
                  "承运方回复：分拣异常，已加急。", "客户是老会员，近一年无异常售后记录。",
                  "与同批次其他工单现象一致，已在群里提醒质检。",
                  "系统日志里能看到对应的失败记录。", "已核对付款流水，金额与客户描述一致。"),
        dice);
}

static void hand_over(Buf *b, uint64_t *dice) {
    add(b,
        SENTENCES("情况已核实，属于贵组职责范围，客户只接受换货，请接手安排。",
                  "已安抚客户并承诺今天内回电，剩余部分需要贵组权限处理。",
                  "涉及账号与支付核查，本组看不到流水，资料已整理在上一条备注。",
                  "客户要求主管回电，已说明流程，请优先联系。",
                  "承运方责任已确认，请贵组跟进理赔。"),
        dice);
}

void workforce_write(Buf *ret, WorkStepKind kind, uint64_t dice) {
    switch (kind) {
    case WORK_NOTE:
        note(ret, &dice);
        break;
    case WORK_REPLY:
        reply(ret, &dice);
        break;
    case WORK_ASK:
        ask(ret, &dice);
        break;
    case WORK_TRANSFER:
        hand_over(ret, &dice);
        break;
    case WORK_SOLVE:
        solve(ret, &dice);
        break;
    }
}

void workforce_write_hold(Buf *ret, uint64_t dice) {
    add(ret,
        SENTENCES("办结所需的材料还没有齐，先挂起，等主管补批。", "等待法务确认赔付方案，先挂起。"),
        &dice);
}
