"""Sun Wukong's fifteen pictures: pose, mood, scene, and the words for them."""

from assets.drawing import effects, furniture, nature, props, rooms
from assets.drawing.faces import face
from assets.drawing.model import Arm, Picture, Pose
from assets.drawing.wukong_figure import WUKONG

BODY = WUKONG

HIP_LEFT = Arm((-76, 56), (-34, 76), "fist", "body")
DOWN_LEFT = Arm((-52, 58), (-46, 90))
DOWN_RIGHT = Arm((52, 58), (46, 90))

PICTURES: tuple[Picture, ...] = (
    Picture(
        "portrait",
        "孙悟空的头像，炯炯有神",
        "Sun Wukong, bright-eyed",
        "neutral",
        ("俺老孙", "你好", "齐天大圣", "我是", "嘿", "何事", "说来听听", "孙悟空"),
        face("calm", mouth="smirk"),
        Pose((DOWN_LEFT, DOWN_RIGHT), (240, 346), 1.7, turn=0.15),
        effects.plain("#f3b98a", "#f9d7b2", "#fdeedb"),
        portrait=True,
        neutral=True,
    ),
    Picture(
        "proud",
        "扛着金箍棒，得意洋洋",
        "Staff on the shoulder, very pleased with himself",
        "proud",
        ("俺老孙", "厉害", "当然", "天下第一", "小事一桩", "怕谁", "齐天大圣", "本事", "看我的"),
        face("proud", mouth="smirk"),
        Pose(
            (
                Arm((-86, 52), (-112, 2), "fist", "back", props.staff(90, 276, 52)),
                Arm((86, 52), (112, 2), "fist", "back"),
            ),
            (240, 250),
            1.06,
            turn=0.3,
            tilt=-6,
        ),
        nature.mountains() + effects.shadow(240, 464, 84),
    ),
    Picture(
        "cloud",
        "驾着筋斗云飞行",
        "Flying on the somersault cloud",
        "excited",
        ("筋斗云", "飞", "十万八千里", "出发", "马上到", "快", "走也", "天上", "一个跟头"),
        face("excited", eyes="open", mouth="grin"),
        Pose((Arm((-70, 44), (-98, 22), "open"), Arm((72, 30), (112, 4), "point")), (236, 236), 1, turn=0.7, lean=6),
        nature.heavens(),
        furniture.cloud_ride(236, 438),
    ),
    Picture(
        "golden-gaze",
        "火眼金睛，看穿妖怪",
        "The golden gaze that sees through demons",
        "alert",
        ("妖怪", "看穿", "火眼金睛", "真相", "骗不了", "识破", "妖精", "假的", "仔细看", "原形"),
        face("fiery"),
        Pose((Arm((-112, 36), (-56, -108), "flat", angle=12), DOWN_RIGHT), (240, 340), 1.65, turn=0.3, look=(2, 0)),
        rooms.furnace(),
    ),
    Picture(
        "peach",
        "津津有味地吃桃",
        "Enjoying a peach",
        "happy",
        ("桃", "好吃", "蟠桃", "美味", "饿了", "香", "吃", "尝尝", "水果", "甜"),
        face("eat"),
        Pose(
            (HIP_LEFT, Arm((78, 64), (40, 6), "mitten", item=props.peach(10, True), angle=-120)),
            (240, 300),
            1.4,
            turn=0.25,
            tilt=4,
        ),
        nature.mountains("#e4f3e0"),
    ),
    Picture(
        "puzzled",
        "挠着头，百思不解",
        "Scratching his head, puzzled",
        "confused",
        ("奇怪", "怎么回事", "不明白", "糊涂", "为何", "什么意思", "没听懂", "怪哉", "难道"),
        face("puzzled"),
        Pose(
            (HIP_LEFT, Arm((118, -10), (76, -126), "open", angle=-140)),
            (236, 312),
            1.3,
            turn=-0.2,
            tilt=-7,
            look=(2, -4),
        ),
        effects.plain("#cfd8b8", "#e3e9d1", "#f3f6e8")
        + effects.question(78, 120, 1.6, "#b45309", -12)
        + effects.question(424, 96, 1.1, "#b45309", 14),
    ),
    Picture(
        "furious",
        "龇牙咧嘴，怒气冲天",
        "Baring his teeth in anger",
        "angry",
        ("可恶", "妖怪", "大胆", "气死俺", "休走", "住手", "吃俺一棒", "岂有此理", "放肆"),
        face("furious"),
        Pose(
            (
                Arm((-88, 62), (-98, 12), "fist"),
                Arm((82, 50), (92, 6), "fist", item=props.staff(16, 130, 130), angle=-60),
            ),
            (220, 314),
            1.3,
            turn=-0.3,
            tilt=-4,
        ),
        effects.burst("#f3a184", "#ec8a6a"),
    ),
    Picture(
        "headache",
        "被念紧箍咒，抱头叫疼",
        "The tightening spell: holding his aching head",
        "pained",
        ("疼", "头疼", "师父", "别念了", "紧箍咒", "饶命", "难受", "哎哟", "痛苦", "救命"),
        face("pain"),
        Pose(
            (Arm((-118, 6), (-84, -104), "open", angle=-40), Arm((118, 6), (84, -104), "open", angle=-140, thumb=-1)),
            (240, 306),
            1.3,
            tilt=-5,
        ),
        effects.plain("#d9b8d6", "#e9d0e6", "#f6e8f4")
        + effects.strokes(
            "M60 150q-16 -14 -8 -34M34 186q-24 -10 -22 -34M420 150q16 -14 8 -34M446 186q24 -10 22 -34", "#a86a9f", 5
        ),
    ),
    Picture(
        "rolling",
        "笑得满地打滚",
        "Rolling on the ground with laughter",
        "laughing",
        ("哈哈", "哈哈哈", "笑死", "好笑", "太逗了", "滑稽", "笑话", "有意思", "乐"),
        face("laugh", marks=("tear",), blush=2),
        Pose(
            (Arm((-62, 66), (-14, 62), "open", "body", angle=30), Arm((78, 20), (104, -30), "open", thumb=-1)),
            (262, 318),
            1.02,
            tilt=-8,
            lean=-62,
            legs="sit",
        ),
        nature.sky("#d8eef2")
        + effects.shadow(262, 434, 180)
        + effects.note(398, 130, 1.2, "#c97f1f", 14)
        + effects.note(330, 84, 0.9, "#c97f1f", -8),
    ),
    Picture(
        "bow",
        "合掌行礼",
        "Palms together in greeting",
        "respectful",
        ("师父", "多谢", "感谢", "拜见", "有礼了", "弟子", "请", "告辞", "菩萨", "尊敬"),
        face("nod"),
        Pose(
            (Arm((-66, 72), (-5, 40), "flat", angle=-82), Arm((66, 72), (6, 40), "flat", angle=-98, thumb=-1)),
            (240, 308),
            1.36,
            tilt=5,
        ),
        effects.plain("#efd9a0", "#f7eac6", "#fdf7e6"),
    ),
    Picture(
        "doze",
        "倒挂在树上打瞌睡",
        "Asleep, hanging from a tree by his tail",
        "sleepy",
        ("困", "睡", "打盹", "歇会儿", "累", "瞌睡", "晚安", "休息", "偷懒"),
        face("doze"),
        Pose(
            (Arm((-100, -10), (-116, -92), "mitten"), Arm((100, -10), (118, -88), "mitten")),
            (240, 258),
            0.98,
            lean=180,
            legs="hang",
        ),
        nature.mountains("#f6e3c0") + effects.zzz(390, 260, "#5f8a6a", 0.9),
        furniture.branch(),
    ),
    Picture(
        "moon",
        "坐在石上，望月思乡",
        "On a rock under the moon, thinking of home",
        "melancholy",
        ("花果山", "家乡", "想家", "月亮", "从前", "孩儿们", "思念", "孤单", "五百年", "回忆"),
        face("homesick"),
        Pose(
            (Arm((-64, 70), (-44, 104), "mitten"), Arm((64, 70), (44, 104), "mitten")),
            (172, 276),
            1.05,
            turn=0.7,
            tilt=-8,
            look=(4, -5),
            legs="sit",
        ),
        nature.full_moon() + furniture.rock(172, 382),
    ),
    Picture(
        "doubles",
        "拔毛变出分身",
        "Conjuring doubles out of a hair",
        "playful",
        ("变", "分身", "七十二变", "毫毛", "变化", "法术", "看我变", "一起上", "多个"),
        face("wink"),
        Pose((HIP_LEFT, Arm((72, 60), (50, 6), "peace", angle=-80)), (240, 242), 0.98, tilt=-4),
        nature.heavens(),
        nature.swirl(82, 346, 0.8) + nature.swirl(398, 334, 0.8) + furniture.cloud_ride(240, 444),
        echoes=("translate(-52 96) scale(.56)", "translate(532 84) scale(-.56 .56)"),
    ),
    Picture(
        "thumbs-up",
        "竖起大拇指",
        "Giving a thumbs-up",
        "approving",
        ("好样的", "不错", "干得好", "赞", "佩服", "厉害", "好主意", "真棒", "有本事", "痛快"),
        face("wink"),
        Pose((HIP_LEFT, Arm((70, 66), (104, 20), "thumb", angle=-6)), (216, 320), 1.5, turn=0.25, tilt=-4),
        effects.burst("#ffe08a", "#ffd062"),
    ),
    Picture(
        "attack",
        "抡起金箍棒冲锋",
        "Charging with the staff raised",
        "determined",
        ("冲", "打", "看棒", "上", "战", "来吧", "妖怪哪里逃", "降妖", "拼了", "加油"),
        face("command"),
        Pose(
            (
                Arm((-80, 30), (-104, 0), "fist"),
                Arm((92, 10), (112, -50), "fist", item=props.staff(48, 120, 40), angle=-80),
            ),
            (220, 250),
            1.06,
            turn=0.6,
            tilt=4,
            lean=10,
            legs="walk",
        ),
        nature.mountains("#fbd9b5")
        + effects.strokes("M20 250H84M10 300H64M24 350H76", "#fff", 6)
        + effects.shadow(216, 452, 100),
    ),
)
