"""Teacher Camel's fifteen pictures: pose, mood, scene, and the words for them."""

from assets.drawing import effects, furniture, nature, props, rooms
from assets.drawing.camel_figure import CAMEL
from assets.drawing.faces import face
from assets.drawing.model import Arm, Picture, Pose
from assets.drawing.svg import move

BODY = CAMEL

DOWN_LEFT = Arm((-70, 84), (-68, 116))
DOWN_RIGHT = Arm((70, 84), (68, 116))
BELLY_LEFT = Arm((-92, 78), (-30, 92))
BELLY_RIGHT = Arm((92, 78), (30, 92))

PICTURES: tuple[Picture, ...] = (
    Picture(
        "portrait",
        "骆驼老师的头像，目光温和",
        "Teacher Camel with a kindly look",
        "neutral",
        ("你好", "同学", "我是骆驼老师", "请说", "好的", "嗯", "慢慢来", "有问题吗"),
        face("calm", brows="soft"),
        Pose((DOWN_LEFT, DOWN_RIGHT), (240, 344), 1.55, turn=0.15),
        effects.plain("#f2c98f", "#f8e0b8", "#fdf1da"),
        portrait=True,
        neutral=True,
    ),
    Picture(
        "lecture",
        "推推眼镜开始讲课",
        "Pushing up the glasses to begin a lecture",
        "serious",
        ("首先", "同学们", "上课", "知识点", "定义", "也就是说", "讲解", "注意", "原理"),
        face("lesson", brows="calm"),
        Pose(
            (Arm((-92, 82), (-44, 84), item=props.closed_book(-8)), Arm((94, 20), (66, -92), angle=-150)),
            (236, 250),
            1.06,
            turn=-0.2,
        ),
        rooms.study() + effects.shadow(236, 468, 90),
    ),
    Picture(
        "nod",
        "微笑着点头",
        "Nodding with a smile",
        "happy",
        ("很好", "对", "没错", "正确", "不错", "同意", "说得好", "可以", "是的"),
        face("nod"),
        Pose((BELLY_LEFT, BELLY_RIGHT), (240, 300), 1.35, turn=0.3, tilt=7),
        effects.plain("#bcdcb9", "#d8ecd2", "#eef7ea")
        + effects.strokes("M398 176q18 18 16 42M426 158q28 26 24 64", "#8dbb88", 5),
    ),
    Picture(
        "surprised",
        "大吃一惊",
        "Taken by surprise",
        "surprised",
        ("什么", "竟然", "真的吗", "没想到", "哎呀", "天哪", "意外", "不会吧", "惊讶"),
        face("surprised"),
        Pose((Arm((-94, 44), (-92, -22)), Arm((94, 44), (92, -22))), (240, 300), 1.35),
        effects.burst("#bfe3ee", "#a9d6e6")
        + effects.exclaim(82, 96, 1.6, "#d8432f", -14)
        + effects.exclaim(404, 92, 1.6, "#d8432f", 14),
    ),
    Picture(
        "laugh",
        "捧腹大笑",
        "Holding the belly with laughter",
        "laughing",
        ("哈哈", "哈哈哈", "有趣", "笑死", "好笑", "幽默", "笑话", "真逗", "开玩笑"),
        face("laugh", marks=("tear",)),
        Pose((BELLY_LEFT, Arm((92, 82), (22, 104))), (240, 252), 1.06, turn=-0.3, tilt=-10, lean=4),
        effects.burst("#ffe3a3", "#ffd685")
        + effects.note(84, 110, 1.2, "#c97f1f", -12)
        + effects.note(404, 150, 1, "#c97f1f", 12)
        + effects.shadow(232, 468, 90),
    ),
    Picture(
        "think",
        "托着下巴思考",
        "Thinking, a hoof under the chin",
        "thinking",
        ("让我想想", "思考", "也许", "可能", "这个问题", "为什么", "嗯", "考虑", "值得研究"),
        face("think"),
        Pose(
            (Arm((-90, 92), (20, 92)), Arm((98, 92), (40, -4), angle=-120)),
            (232, 306),
            1.36,
            turn=0.45,
            tilt=5,
            look=(3, -5),
        ),
        rooms.study("#dfe3d0") + effects.question(418, 110, 1.5, "#b45309", 12),
    ),
    Picture(
        "drink",
        "抱着水壶喝水",
        "Taking a long drink of water",
        "content",
        ("喝水", "口渴", "休息一下", "沙漠", "水", "解渴", "补充", "歇歇", "绿洲"),
        face("drink", mouth="chew"),
        Pose(
            (DOWN_LEFT, Arm((98, 66), (76, 10), item=move(props.flask(-58), scale=1.4), angle=-140)),
            (232, 250),
            1.06,
            turn=0.35,
            tilt=-8,
        ),
        nature.desert() + effects.shadow(232, 468, 90),
    ),
    Picture(
        "recite",
        "一边走路一边背书",
        "Reciting from a book on a walk",
        "studious",
        ("背书", "诗", "古人云", "课文", "朗读", "读书", "学而时习之", "记住", "复习"),
        face("lesson", eyes="half", brows="soft"),
        Pose(
            (DOWN_LEFT, Arm((88, 92), (52, 62), item=props.book(-6))),
            (228, 250),
            1.06,
            turn=0.4,
            look=(3, 4),
            legs="walk",
        ),
        nature.sky("#cfe9ef", "#b4cf8c")
        + effects.note(396, 180, 1, "#b45309", 10)
        + effects.note(436, 130, 0.8, "#b45309", -8)
        + effects.shadow(228, 468, 96),
    ),
    Picture(
        "blackboard",
        "拿教鞭指着黑板",
        "Pointing at the blackboard",
        "teaching",
        ("看这里", "黑板", "重点", "例如", "比如", "公式", "请看", "图", "第一点", "考点"),
        face("lesson", brows="calm"),
        Pose(
            (Arm((-92, 14), (-98, -34), item=props.pointer(-104), angle=-110), BELLY_RIGHT),
            (276, 250),
            1.06,
            turn=-0.5,
            tilt=-3,
        ),
        rooms.blackboard(rooms.lesson_chalk()) + effects.shadow(276, 468, 90),
    ),
    Picture(
        "doze",
        "伏在书堆旁打盹",
        "Dozing beside a stack of books",
        "sleepy",
        ("困", "睡着", "打盹", "晚安", "午休", "累了", "休息", "做梦", "瞌睡"),
        face("doze"),
        Pose((Arm((-104, 84), (-28, 84)), Arm((104, 86), (22, 92))), (206, 314), 1.22, turn=0.3, tilt=14, legs="none"),
        rooms.study("#cdbfa8") + effects.zzz(372, 148, "#fff8e8", 1),
        furniture.desk(424) + furniture.books(404, 426),
    ),
    Picture(
        "comfort",
        "安慰难过的小家伙",
        "Comforting somebody sad",
        "comforting",
        ("别难过", "没关系", "会好的", "不要紧", "我陪你", "抱抱", "加油", "理解你", "辛苦了"),
        face("comfort"),
        Pose((DOWN_LEFT, Arm((98, 58), (122, 72), angle=55)), (182, 250), 1.06, turn=0.7, tilt=8, look=(3, 5)),
        effects.plain("#c9d3e8", "#dde4f2", "#eff3fa")
        + effects.floor("#b9c4de", 430)
        + effects.heart(360, 180, 1.4)
        + effects.heart(404, 140, 0.9)
        + effects.shadow(330, 449, 48)
        + effects.shadow(182, 468, 90),
        furniture.mouse(330, 424),
    ),
    Picture(
        "spit",
        "气得吐口水（别介意）",
        "So cross that the spit flies",
        "angry",
        ("生气", "呸", "岂有此理", "太过分", "哼", "胡说", "不像话", "荒唐", "气死我了"),
        face("spit"),
        Pose((Arm((-94, 84), (-58, 96)), Arm((94, 84), (58, 96))), (200, 304), 1.36, turn=0.8, tilt=4),
        effects.burst("#f6b48e", "#f0a077", (230, 270)) + effects.puff(60, 120, 1.5, "#fff3e4", True),
        effects.spittle(228, 272),
    ),
    Picture(
        "stargazing",
        "在沙漠里看星星",
        "Watching the desert stars",
        "dreamy",
        ("星星", "夜空", "宇宙", "宁静", "远方", "银河", "故事", "很久以前", "遥远"),
        face("wonder", mouth="smile", brows="soft"),
        Pose((DOWN_LEFT, Arm((94, 24), (108, -40), angle=-70)), (190, 250), 1.06, turn=0.55, tilt=-9, look=(3, -5)),
        nature.desert_night() + effects.shadow(190, 468, 90, "#1d1d3a"),
    ),
    Picture(
        "goodbye",
        "挥手道别",
        "Waving goodbye",
        "farewell",
        ("再见", "下次见", "拜拜", "明天见", "慢走", "回头见", "保重", "一路顺风", "后会有期"),
        face("nod"),
        Pose((DOWN_LEFT, Arm((100, 30), (114, -58))), (220, 250), 1.06, turn=0.2, tilt=5),
        nature.sunset()
        + effects.strokes("M372 176q14 16 10 40M398 160q20 26 14 62", "#fff3dc", 5)
        + effects.shadow(220, 468, 90),
    ),
    Picture(
        "tea",
        "端来一杯热茶",
        "Bringing a cup of hot tea",
        "warm",
        ("请喝茶", "坐下", "慢慢聊", "欢迎", "茶", "招待", "别着急", "放松", "客人"),
        face("nod", eyes="soft"),
        Pose(
            (
                Arm((-92, 96), (-34, 74), angle=0, item=move(props.teacup(), 34, -10, scale=1.25)),
                Arm((92, 96), (34, 74), angle=180),
            ),
            (240, 300),
            1.35,
            tilt=-4,
        ),
        effects.plain("#e6cfa8", "#f3e3c6", "#fbf3e2"),
        effects.steam(240, 352),
    ),
)
