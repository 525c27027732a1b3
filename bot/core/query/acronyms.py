"""The acronyms that are ordinary English words: in capitals they mean themselves, not the word.

`term_parser` reads them as typed. A word earns its place when papers use it in capitals as a name *and* in small
letters as a word (STAR, LED, IT); RAG, SAM or CoT do not: nobody writes of rags.
"""

FUNCTION_WORDS = frozenset(
    """
    a about above across after again against ago aids all almost alone along also although always am among an and any
    are around as at away back be because been before behind being below best between beyond both but by came can
    cannot come could cut did do does done down due during each either else end even ever every far few find first for
    found from full further gave get give given go goes gone got had has have having he hence her here hers herself
    him his how however if in instead into is it its itself just kept led left less lest let lost made many may me met
    might mine more most much must my near need neither never next no nor not now of off often on once one only onto
    or other our ours out over own per perhaps put quite ran rather said same sat saw say see seen sent set shall she
    should show since so some soon still such sure ten than that the their them then there these they this those
    though three through thus till to together told too took toward two under unless until up upon us use used very
    via was we well went were what when where whether which while who whom whose why will with within without would
    yes yet you your
    """.split()
)
_SHORT_WORDS = """
    able bad bag bar bat bed big bin bit box bug bus buy cad cab car cat cow cry cup die dog dot dry ear eat egg eye
    fan fat fed fee fly fun fur gas gel god gun guy hat hen hit hot hub ice ill jet job key kid lab lap law leg lid
    lie log low mad man mix mom mud new nod nut odd oil old pad pan pay pen pet pie pig pin pit raw red rid rob row
    rub rug sad sea sex shy sit six sky sky son spy tea tie tin toe ton toy try van wet wig zip
"""
ORDINARY_WORDS = FUNCTION_WORDS | frozenset(
    """
    act adapt adept agent agile aim alert alias align alpha amber anchor angel apex apollo apple arc arch arena argo
    ark arm armor arrow art ask aspect aspire assist atlas atom attend aura aware balance band bank base basic basis
    beacon beam bear best beta big bind bird blade blend block bloom board boat bold bolt bond boost boot bow brain
    branch brave bread break bridge brief bright build butter cake call calm camel camp cap captain capture care
    cart case cast castle catch cause center chain champion change charm chart chat check chess choice circle city
    claim clarity class claw clean clear clever climb clip clock clone close cloud clue coach coast coat coin combat
    comet comfort command compass compose concept concise cool cope coral core count course cover craft crane crash
    creak create creator creed crew crop cross crown cruise cube cup cure current curve cycle dance dare dart dash
    date dawn day deal decide deep deer delight delta dense depth design desire detect dial diet digest direct disco
    discover discuss dive divide divine dolphin dome dove draft dragon draw dream dress drift drill drive drop duet
    dust eager eagle early earth ease east easy echo edge edit effect elegant elite embed ember empathy empower
    enable encore endure engage enhance enrich entire envoy epic equal equip era escape essence evolve exact example
    expand expert explore express eye fable face fact fair faith falcon fame far fast father feast feather fever
    field fig fill film filter find fine finger fire first fish fit flag flame flare flash flat flavor fleet flex
    flight flip float flora flow flower fluid fly focus fold folio force forest forge fork form fort fox frame fresh
    friend fringe frog frost fruit fuel full fun fuse gain game gap gaze gear gem gift ginger glance glass glide
    globe glow glue goal gold good grace grade grain grand grape grasp great green grid grip grit ground group grow
    guard guess guide gym hair hand hare harm harp hat hawk head heal hear heart heat helix hello help herald hero
    hide high hint hive hold home honest hood hop hope horizon horse host house human hunt hydra icon idea ideal
    imagine impact impress improve index infer ink insect insight inspect inspire instant iris iron island item jam
    jet jewel join joy judge jump just keen key king kite knot know ladder lake lamp lance land lane large laser
    last latch later launch law layer lead leaf lean leap learn legend lemon lens level lever liberty life lift
    light like lime line link lion list listen live local lock log logic long loop lose lotus love lunar lynx lyric
    magic magma magnet main make mango manta map maple marble mark market mars mask master match math matrix max
    maze mean meet melody mend merge merit mesh metal meteor mild mind mine mint minus mirror miss mix model modest
    moment moon more mosaic moss most moth motion motor mount mouse move muse music must nail narrow navigator near
    neat need nest net nexus nice night noble node nomad normal north note nova novel nudge oak oasis object ocean
    octopus olive onion opal open opera optimus oracle orange orbit orca orchid order origin otter owl own pace pack
    pact page paint pair palm panda panel panther parade parrot part pass past paste patch path pause peace peach
    peak pearl pen pepper perfect petal phoenix piano pick piece pilot pine pipe pivot pixel place plan planet plant
    plate play plot plug plus point polar pool pop port pose post power praise precise press pride prime print prism
    probe prompt proof prune pulse puma pump pure push puzzle pyramid quake quant quartz queen quest quick quiet
    quill quiz rabbit race radar radio raft rail rain raise ranch range rank rapid rare raven ray reach react read
    ready real reason recall recap recipe record recover red reef refer refine reflect reform relate relay release
    relief rely remedy remember render rent repair replay report rescue reset resolve rest restore retain retro
    return reveal reverse revise reward rice ride right ring rise river road roam robin robust rock rocket role roll
    roof room root rope rose round route ruby rule ruler run saber safe saga sage sail salad salmon salt same sand
    satin save scale scan scene scholar school scope score scout screen script seal search season seat second secure
    see seed seek self sense sentinel serene serve set shade shadow shape share shark sharp shell shield shift shine
    ship shot show side siege sift sight sign signal silk silver simple siren site size skate sketch skill skip sky
    slate sleep slice slide slim slip slope slow small smart smile smooth snap snow soar social soft solar solid
    solo solve song sonic sort soul sound source south space span spark sparse spear spectrum speed sphere spice
    spider spin spine spiral spirit split spot spread spring sprint square squid stable stack staff stage stair
    stamp stand star start state static stay steam steel steer stem step stereo stick still sting stir stitch stone
    storm story strategist straw stream strength stride strike string strive strong style sugar summit sun super
    sure surf surge swan swap sweep sweet swift swim swing switch sword symphony sync table tactic tag tail take
    tale talent talk tame tangle tango tank tap tape target task taste teach team tear tell temple tend tent test
    thin think thread thrive tide tie tiger tile time tiny tip titan toast tone tool top torch total touch tower
    trace track trade trail train trait transfer transform trap travel treat tree trek trend trial trick trident
    trim trip trust truth tune tunnel turbo turn turtle twin twist unicorn unify union unique unit unity update
    upper urban use valley valor value vast vault vector velvet venture verb verify verse vibe victor view vine
    violin viper virtue visa visit vista vital voice volt volume vortex vote voyage walk wall wander warp wash watch
    water wave way weak wealth weather weave web well west whale wheat wheel whisper white wide wild will win wind
    window wine wing wise wish wit wolf wonder wood word work world worm worth yield young zebra zen zero zest zone
    zoom
    """.split()
    + _SHORT_WORDS.split()
)
