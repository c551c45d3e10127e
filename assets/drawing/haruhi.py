"""Haruhi's fifteen pictures: pose, mood, scene, and the words that call for them."""

from assets.drawing import effects, furniture, nature, props, rooms
from assets.drawing.eyes import eye
from assets.drawing.faces import face
from assets.drawing.haruhi_figure import FACE, HARUHI
from assets.drawing.model import Arm, Picture, Pose

BODY = HARUHI

HIP_LEFT = Arm((-76, 54), (-34, 74), "fist", "body")
HIP_RIGHT = Arm((76, 54), (34, 74), "fist", "body")
DOWN_LEFT = Arm((-50, 58), (-46, 90))
DOWN_RIGHT = Arm((50, 58), (46, 90))

PICTURES: tuple[Picture, ...] = (
    Picture(
        "portrait",
        "春日的头像，精神十足地看着你",
        "Haruhi looking straight at you, full of spirit",
        "neutral",
        ("你好", "我是", "凉宫春日", "团长", "嗯", "那么", "说吧", "有什么事"),
        face("calm", mouth="smirk"),
        Pose((DOWN_LEFT, DOWN_RIGHT), (240, 348), 1.75, turn=0.15),
        effects.plain("#f9d98a", "#fdeebf", "#fff8e2"),
        portrait=True,
        neutral=True,
    ),
    Picture(
        "announce",
        "叉腰宣布新计划",
        "Hands on hips, announcing a new plan",
        "confident",
        ("决定了", "从今天起", "计划", "听好了", "宣布", "就这么办", "新活动", "我有个主意", "没有异议"),
        face("confident"),
        Pose((HIP_LEFT, HIP_RIGHT), (240, 246), 1.1, turn=0.25, tilt=-3),
        effects.burst("#ffe08a", "#ffcf5c") + effects.shadow(240, 468, 84),
    ),
    Picture(
        "command",
        "指着前方下命令",
        "Pointing ahead and giving orders",
        "commanding",
        ("快去", "马上", "命令", "出发", "跟我来", "你负责", "立刻", "不许", "还愣着干什么", "目标"),
        face("command"),
        Pose((HIP_LEFT, Arm((74, 14), (122, -2), "point")), (196, 312), 1.4, turn=0.75, tilt=5, lean=3),
        effects.burst("#f7b18a", "#f29b72", (120, 290))
        + effects.strokes("M398 260L470 236M404 298H476M398 336L470 360", "#fff3dc", 6),
    ),
    Picture(
        "bored",
        "托腮无聊地望着窗外",
        "Chin in hand, bored, gazing out of the window",
        "bored",
        ("无聊", "没意思", "普通", "平凡", "唉", "好闲", "什么都没发生", "提不起劲", "算了"),
        face("bored"),
        Pose(
            (Arm((-66, 84), (-22, 92), "mitten", "body"), Arm((70, 92), (43, -12), "fist")),
            (282, 272),
            1.3,
            turn=-0.8,
            tilt=7,
            look=(-4, -2),
            legs="none",
        ),
        rooms.window(),
        furniture.desk(388) + furniture.notebook(120, 396),
    ),
    Picture(
        "sulky",
        "气鼓鼓地扭过头",
        "Puffing her cheeks and turning away",
        "angry",
        ("哼", "生气", "不理你", "才不是", "笨蛋", "讨厌", "谁要", "随便你", "不高兴"),
        face("sulky"),
        Pose(
            (Arm((-54, 62), (16, 54), "mitten", "body"), Arm((56, 64), (-18, 62), "mitten", "body")),
            (246, 308),
            1.46,
            turn=-1,
            tilt=-7,
            look=(-3, -1),
        ),
        effects.plain("#f3b8ad", "#f8cfc6", "#fbe3dd") + effects.puff(74, 262, 1.5, "#fff6f2", True),
    ),
    Picture(
        "excited",
        "眼睛发光，兴奋极了",
        "Eyes sparkling with excitement",
        "excited",
        ("太棒了", "有趣", "发现", "外星人", "未来人", "超能力者", "不可思议", "真的吗", "好厉害", "期待"),
        face("excited"),
        Pose((Arm((-58, 56), (-40, 14), "fist"), Arm((58, 56), (40, 14), "fist")), (240, 318), 1.5, tilt=-4),
        effects.burst("#ffd3de", "#ffc0d0")
        + effects.twinkle(70, 110, 30)
        + effects.twinkle(420, 84, 24)
        + effects.twinkle(432, 330, 18)
        + effects.twinkle(44, 330, 16),
    ),
    Picture(
        "triumph",
        "得意地大笑",
        "Laughing in triumph",
        "proud",
        ("哈哈", "当然", "不愧是我", "小菜一碟", "赢了", "怎么样", "厉害吧", "成功", "看吧"),
        face("laugh"),
        Pose((HIP_LEFT, Arm((66, 60), (14, 40), "open", angle=200)), (240, 248), 1.1, turn=0.35, tilt=8),
        rooms.classroom() + effects.note(86, 300, 1, "#e39a1c", -12) + effects.shadow(240, 470, 84),
    ),
    Picture(
        "recruit",
        "拿着扩音器招募团员",
        "Recruiting members through a megaphone",
        "eager",
        ("招募", "加入", "团员", "快来", "欢迎", "大家", "集合", "报名", "机会难得"),
        face("call"),
        Pose(
            (Arm((-88, 20), (-118, -34), "fist"), Arm((70, 44), (62, 0), "fist", item=props.megaphone(8), angle=-70)),
            (206, 246),
            1.1,
            turn=0.7,
            tilt=-3,
        ),
        nature.sky()
        + effects.strokes("M376 192L420 174M382 226H430M376 260L420 278", "#fff", 6)
        + effects.shadow(206, 468, 84),
    ),
    Picture(
        "rain",
        "雨天里撑着伞",
        "Under an umbrella in the rain",
        "calm",
        ("下雨", "雨天", "伞", "天气", "湿", "回家", "安静", "等一等", "淅淅沥沥"),
        face("gentle"),
        Pose(
            (DOWN_LEFT, Arm((68, 74), (58, 34), "fist", "body", props.umbrella(-10), -60)),
            (226, 284),
            0.9,
            turn=0.3,
            look=(2, -2),
            legs="walk",
        ),
        nature.rain() + effects.shadow(226, 465, 74),
        effects.strokes(
            "M40 120l-7 26M430 210l-7 26M86 300l-7 26M380 330l-7 26M60 400l-7 26M452 96l-7 26", "#eef6fa", 3
        ),
    ),
    Picture(
        "blackboard",
        "在黑板前写字",
        "Writing on the blackboard",
        "serious",
        ("首先", "其次", "方案", "写下来", "步骤", "总结", "分析", "要点", "第一"),
        face("lesson"),
        Pose((HIP_LEFT, Arm((88, 16), (124, -50), "fist", item=props.chalk(-55))), (232, 248), 1.1, turn=0.45),
        rooms.blackboard(rooms.plan_chalk() + "M384 178q14 -22 26 0t22 -14M352 84h70M352 106h44")
        + effects.shadow(232, 470, 84),
    ),
    Picture(
        "shy",
        "害羞地移开视线",
        "Bashfully looking away",
        "shy",
        ("才没有", "别误会", "谢谢", "害羞", "那个", "不是为了你", "脸红", "只是", "喜欢"),
        face("shy"),
        Pose(
            (
                Arm((-56, 66), (-9, 62), "point", "body", angle=-18),
                Arm((56, 66), (9, 64), "point", "body", angle=198, thumb=-1),
            ),
            (240, 310),
            1.46,
            turn=0.7,
            tilt=6,
            look=(5, 2),
        ),
        rooms.corridor(),
    ),
    Picture(
        "sleepy",
        "趴在桌上打哈欠",
        "Yawning over her desk",
        "sleepy",
        ("困", "哈欠", "好累", "睡", "熬夜", "早上", "休息", "等会儿再说", "没睡醒"),
        face("yawn"),
        Pose(
            (Arm((-112, 44), (-20, 34), "mitten"), Arm((112, 46), (18, 38), "mitten")),
            (236, 374),
            1.32,
            tilt=-15,
            legs="none",
        ),
        rooms.classroom() + effects.zzz(384, 150, "#7d92bd"),
        furniture.desk(434),
    ),
    Picture(
        "stargazing",
        "在夜空下看星星",
        "Watching the stars at night",
        "dreamy",
        ("星星", "宇宙", "夜空", "愿望", "七夕", "浩瀚", "银河", "梦想", "如果", "很久以后"),
        face("wonder", mouth="smile"),
        Pose((DOWN_LEFT, Arm((86, 16), (122, -52), "point")), (196, 250), 1.05, turn=0.6, tilt=-9, look=(3, -5)),
        nature.night_hill() + effects.shadow(196, 462, 80, "#10202c"),
    ),
    Picture(
        "investigate",
        "拿着放大镜调查",
        "Investigating with a magnifying glass",
        "curious",
        ("调查", "线索", "可疑", "谜", "真相", "观察", "仔细看", "为什么", "证据", "侦探"),
        face("curious"),
        Pose(
            (
                HIP_LEFT,
                Arm((76, 60), (58, -6), "fist", angle=-80, item=props.magnifier(-14, eye(FACE.eye, "open", 1, (0, 0)))),
            ),
            (240, 316),
            1.5,
            turn=0.2,
            tilt=4,
        ),
        effects.plain("#b9d9c6", "#d3eadb", "#e9f5ec")
        + effects.question(44, 84, 1.3, "#5f9a7d", -12)
        + effects.question(432, 78, 1.1, "#5f9a7d", 14),
    ),
    Picture(
        "cheers",
        "举杯庆祝",
        "Raising a glass to celebrate",
        "joyful",
        ("庆祝", "干杯", "恭喜", "生日", "胜利", "完成了", "太好了", "大家辛苦了", "派对"),
        face("cheer"),
        Pose(
            (Arm((-88, 20), (-120, -30), "open"), Arm((88, 24), (124, -30), "fist", item=props.glass(10), angle=-60)),
            (236, 246),
            1.1,
            turn=0.2,
            tilt=4,
        ),
        rooms.party() + effects.shadow(236, 468, 84),
    ),
)
