"""Plural and singular as one word. The same for papers and for queries.

Harman's S-stemmer (1991) does most of English; beside it stand the regular plurals it misses (viruses, analyses,
potatoes), the nouns whose own s it would take (lens, bias), and the Latin, Greek and Old English plurals of papers.
"""

from bot.core.query.words import without_plus

_TABLE = """
matrix matrices / submatrix submatrices / supermatrix supermatrices / index indices / subindex subindices / vertex
vertices / vortex vortices / cortex cortices / neocortex neocortices / apex apices / codex codices / appendix
appendices / helix helices / radix radices / cervix cervices / calyx calyces / simplex simplices / directrix
directrices / cicatrix cicatrices / varix varices / pontifex pontifices / corpus corpora / genus genera / subgenus
subgenera / femur femora / foramen foramina / lumen lumina / nomen nomina / criterion criteria / phenomenon phenomena
/ automaton automata / polyhedron polyhedra / tetrahedron tetrahedra / octahedron octahedra / icosahedron icosahedra /
dodecahedron dodecahedra / hexahedron hexahedra / ganglion ganglia / mitochondrion mitochondria / spermatozoon
spermatozoa / protozoan protozoa / taxon taxa / noumenon noumena / epiphenomenon epiphenomena / bacterium bacteria /
cyanobacterium cyanobacteria / mycobacterium mycobacteria / enterobacterium enterobacteria / archaebacterium
archaebacteria / eubacterium eubacteria / proteobacterium proteobacteria / spectrum spectra / stratum strata /
substratum substrata / quantum quanta / erratum errata / corrigendum corrigenda / addendum addenda / memorandum
memoranda / symposium symposia / stadium stadia / gymnasium gymnasia / aquarium aquaria / millennium millennia /
maximum maxima / minimum minima / optimum optima / extremum extrema / supremum suprema / infimum infima / momentum
momenta / continuum continua / equilibrium equilibria / curriculum curricula / ovum ova / cranium crania / serum sera
/ antiserum antisera / consortium consortia / compendium compendia / desideratum desiderata / forum fora / podium
podia / septum septa / sternum sterna / atrium atria / epithelium epithelia / endothelium endothelia / mycelium
mycelia / cilium cilia / flagellum flagella / cerebellum cerebella / phylum phyla / referendum referenda / moratorium
moratoria / auditorium auditoria / herbarium herbaria / planetarium planetaria / dictum dicta / vacuum vacua /
residuum residua / fulcrum fulcra / simulacrum simulacra / sporangium sporangia / territorium territoria / rostrum
rostra / ileum ilea / plectrum plectra / ostium ostia / labium labia / gametangium gametangia / trapezium trapezia /
stimulus stimuli / nucleus nuclei / locus loci / focus foci / fungus fungi / radius radii / alumnus alumni / bacillus
bacilli / lactobacillus lactobacilli / cactus cacti / syllabus syllabi / thesaurus thesauri / modulus moduli /
calculus calculi / cumulus cumuli / annulus annuli / abacus abaci / terminus termini / hippocampus hippocampi /
thalamus thalami / hypothalamus hypothalami / octopus octopi / uterus uteri / humerus humeri / sulcus sulci / gyrus
gyri / villus villi / microvillus microvilli / bronchus bronchi / embolus emboli / thrombus thrombi / coccus cocci /
streptococcus streptococci / staphylococcus staphylococci / pneumococcus pneumococci / enterococcus enterococci /
meningococcus meningococci / gonococcus gonococci / rhombus rhombi / torus tori / genius genii / papyrus papyri /
nucleolus nucleoli / malleolus malleoli / alveolus alveoli / stylus styli / homunculus homunculi / colossus colossi /
meniscus menisci / naevus naevi / nevus nevi / callus calli / nimbus nimbi / cirrus cirri / hippopotamus hippopotami /
esophagus esophagi / oesophagus oesophagi / pronucleus pronuclei / tumulus tumuli / ramus rami / fundus fundi /
canaliculus canaliculi / fasciculus fasciculi / glomerulus glomeruli / tophus tophi / gladiolus gladioli / ficus fici
/ formula formulae / vertebra vertebrae / larva larvae / alga algae / microalga microalgae / macroalga macroalgae /
antenna antennae / nebula nebulae / nova novae / supernova supernovae / kilonova kilonovae / pupa pupae / hypha hyphae
/ fistula fistulae / lamina laminae / persona personae / fauna faunae / flora florae / lacuna lacunae / papilla
papillae / macula maculae / fibula fibulae / tibia tibiae / scapula scapulae / aorta aortae / bursa bursae / cochlea
cochleae / trabecula trabeculae / minutia minutiae / abscissa abscissae / amoeba amoebae / alumna alumnae / cornea
corneae / fossa fossae / ampulla ampullae / crista cristae / medulla medullae / placenta placentae / retina retinae /
stria striae / trachea tracheae / vena venae / fovea foveae / maxilla maxillae / patella patellae / pinna pinnae /
sequela sequelae / tessera tesserae / vagina vaginae / zona zonae / exuvia exuviae / umbra umbrae / facula faculae /
cuticula cuticulae / stoma stomata / stigma stigmata / schema schemata / lemma lemmata / enigma enigmata / carcinoma
carcinomata / dogma dogmata / basis bases / axis axes / crisis crises / oasis oases / emphasis emphases / praxis
praxes / synopsis synopses / sepsis sepses / catharsis catharses / prophylaxis prophylaxes / anaphylaxis anaphylaxes /
testis testes / penis penes / hepatitis hepatitides / arthritis arthritides / epididymis epididymides / ephemeris
ephemerides / iris irides / phalanx phalanges / larynx larynges / pharynx pharynges / meninx meninges / opus opuses /
rhinoceros rhinoceroses / leaf leaves / cloverleaf cloverleaves / life lives / knife knives / wife wives / housewife
housewives / midwife midwives / wolf wolves / werewolf werewolves / half halves / shelf shelves / bookshelf
bookshelves / self selves / calf calves / hoof hooves / loaf loaves / thief thieves / elf elves / sheaf sheaves /
scarf scarves / dwarf dwarves / wharf wharves / mouse mice / dormouse dormice / louse lice / woodlouse woodlice / foot
feet / forefoot forefeet / goose geese / ox oxen / tooth teeth / eyetooth eyeteeth / child children / grandchild
grandchildren / schoolchild schoolchildren / stepchild stepchildren / woman women / chairwoman chairwomen /
spokeswoman spokeswomen / businesswoman businesswomen / policewoman policewomen / congresswoman congresswomen / man
men / chairman chairmen / spokesman spokesmen / craftsman craftsmen / fisherman fishermen / fireman firemen /
policeman policemen / salesman salesmen / layman laymen / businessman businessmen / serviceman servicemen / freshman
freshmen / workman workmen / seaman seamen / gentleman gentlemen / congressman congressmen / cameraman cameramen /
foreman foremen / horseman horsemen / middleman middlemen / statesman statesmen / tradesman tradesmen / watchman
watchmen / caveman cavemen / bureau bureaux / plateau plateaux / tableau tableaux / chateau chateaux / gas gasses /
bus busses / bias biasses / canvas canvasses / quiz quizzes quizes / whiz whizzes / topaz topazes / lens lenses /
metalens metalenses / microlens microlenses / superlens superlenses / hyperlens hyperlenses / sarcophagus sarcophagi /
polypus polypi / fetus feti / incubus incubi / tarsus tarsi / metatarsus metatarsi / carpus carpi / metacarpus
metacarpi / talus tali / digitus digiti / nidus nidi / acinus acini / tubulus tubuli / oculus oculi / discus disci /
limbus limbi / globus globi / funiculus funiculi / colliculus colliculi / flocculus flocculi / sacculus sacculi /
utriculus utriculi / malleus mallei / pilus pili / tragus tragi / strobilus strobili / narcissus narcissi / denarius
denarii / obelus obeli / bronchiolus bronchioli / nodus nodi / umbilicus umbilici / diplococcus diplococci /
micrococcus micrococci / cryptococcus cryptococci / echinococcus echinococci / lactococcus lactococci / rhodococcus
rhodococci / peptococcus peptococci / seta setae / corona coronae / areola areolae / axilla axillae / bulla bullae /
cannula cannulae / chela chelae / concha conchae / costa costae / fascia fasciae / fimbria fimbriae / gemma gemmae /
hydra hydrae / lingula lingulae / medusa medusae / planaria planariae / pleura pleurae / plica plicae / radula radulae
/ sclera sclerae / spatula spatulae / spina spinae / spirochaeta spirochaetae / tinea tineae / ulna ulnae / urethra
urethrae / uvula uvulae / valva valvae / vulva vulvae / ligula ligulae / parabola parabolae / hyperbola hyperbolae /
lorica loricae / cicada cicadae / palpebra palpebrae / lacinia laciniae / papula papulae / pustula pustulae /
caruncula carunculae / crypta cryptae / decidua deciduae / operculum opercula / ilium ilia / ischium ischia /
acetabulum acetabula / frenulum frenula / labrum labra / cerebrum cerebra / dorsum dorsa / rectum recta / sputum sputa
/ tegmentum tegmenta / claustrum claustra / infundibulum infundibula / pericardium pericardia / myocardium myocardia /
endometrium endometria / perineum perinea / peritoneum peritonea / periosteum periostea / tympanum tympana /
vestibulum vestibula / ommatidium ommatidia / plasmodium plasmodia / sensorium sensoria / hymenium hymenia /
candelabrum candelabra / spirillum spirilla / oogonium oogonia / ascidium ascidia / basidium basidia / conidium
conidia / coccidium coccidia / clostridium clostridia / retinaculum retinacula / cingulum cingula / speculum specula /
capitulum capitula / hilum hila / scutum scuta / viscus viscera / emporium emporia / honorarium honoraria / terrarium
terraria / vivarium vivaria / arboretum arboreta / sanatorium sanatoria / crematorium crematoria / ultimatum ultimata
/ pseudopodium pseudopodia / gonidium gonidia / bifidobacterium bifidobacteria / corynebacterium corynebacteria /
fusobacterium fusobacteria / flavobacterium flavobacteria / halobacterium halobacteria / agrobacterium agrobacteria /
actinobacterium actinobacteria / acidobacterium acidobacteria / myxobacterium myxobacteria / betaproteobacterium
betaproteobacteria / gammaproteobacterium gammaproteobacteria / alphaproteobacterium alphaproteobacteria / exanthema
exanthemata / trypanosoma trypanosomata / edema edemata / hematoma hematomata / glioma gliomata / adenoma adenomata /
sarcoma sarcomata / trauma traumata / soma somata / fibroma fibromata / papilloma papillomata / granuloma granulomata
/ melanoma melanomata / lymphoma lymphomata / teratoma teratomata / neuroma neuromata / myoma myomata / condyloma
condylomata / miasma miasmata / phantasma phantasmata / lexicon lexica / oxymoron oxymora / etymon etyma / organon
organa / perihelion perihelia / aphelion aphelia / hyperbaton hyperbata / topos topoi / proboscis proboscises
proboscides / chrysalis chrysalides / ascaris ascarides / aphis aphides / pyxis pyxides / glottis glottides /
dermatitis dermatitides / encephalitis encephalitides / vasculitis vasculitides / meningitis meningitides / nephritis
nephritides / colitis colitides / chemotaxis chemotaxes / phototaxis phototaxes / biotaxis biotaxes / phylotaxis
phylotaxes / phyllotaxis phyllotaxes / subaxis subaxes / phthisis phthises / apsis apses / periapsis periapses /
periphrasis periphrases / protasis protases / apodosis apodoses / anacrusis anacruses / hyperacusis hyperacuses /
thorax thoraces / hallux halluces / pollex pollices / caudex caudices / murex murices / calix calices / coccyx
coccyges / fornix fornices / rectrix rectrices / tectrix tectrices / scolex scolices / syrinx syringes / salpinx
salpinges / sphinx sphinges / glans glandes / incus incudes / stapes stapedes / stipes stipites / caput capita / cornu
cornua / genu genua / putamen putamina / abdomen abdomina / cerumen cerumina / imago imagines / milieu milieux / beau
beaux / gateau gateaux / trousseau trousseaux / bandeau bandeaux / adieu adieux / graffito graffiti / virtuoso
virtuosi / libretto libretti / concerto concerti / kinsman kinsmen / yeoman yeomen / nobleman noblemen / clergyman
clergymen / anchorman anchormen / doorman doormen / hangman hangmen / alderman aldermen / ombudsman ombudsmen /
sportsman sportsmen / helmsman helmsmen / marksman marksmen / swordsman swordsmen / assemblyman assemblymen / titmouse
titmice / interleaf interleaves / flyleaf flyleaves / afterlife afterlives / midlife midlives / penknife penknives /
jackknife jackknives / multilens multilenses
"""
IRREGULAR = {
    plural: forms[0]
    for forms in (entry.split() for entry in _TABLE.replace("\n", " ").split("/"))
    for plural in forms[1:]
}
"""Plurals that no rule takes to their singular: whole words."""

_NOUNS_IN_S = frozenset(  # keep the s that is no plural; their plural has es behind it
    """
    alias atlas bias canvas gas pancreas antibias debias unbias biogas syngas christmas texas kansas arkansas
    sassafras pampas madras ananas hepatopancreas whereas overseas news bus lens metalens microlens superlens
    hyperlens iris pelvis trellis metropolis megalopolis acropolis necropolis mantis ibis tennis cannabis dermis
    epidermis penis testis clitoris glottis epiglottis portcullis marquis debris chrysalis ephemeris epididymis
    pubis amaryllis clematis syphilis
    """.split()
)
_PLURALS_IN_US_OR_IS = frozenset(  # look like nouns in -us, -sis or -xis, but lose their s
    """
    gpus cpus tpus npus dpus menus apus bpus fpus hpus ipus lpus ppus qpus rpus vpus xpus mcus ecus ccus icus imus
    gmus mmus bmus rtus skus pdus sdus odus nlus mlus relus gelus selus silus grus emus gnus gurus haikus tofus
    zebus sudokus flus taus mus nus plateaus bureaus tableaus chateaus impromptus caribous bayous thous tutus cus
    taxis maxis minitaxis milieus adieus beaus gateaus
    """.split()
)
_WORDS_IN_USE = frozenset(  # the plural of -use, where others in -uses are of -us
    """
    reuse misuse overuse disuse underuse peruse druse amuse bemuse accuse excuse recuse abuse disabuse hypotenuse
    recluse obtuse contuse
    """.split()
)
_WORDS_IN_OSE = frozenset(  # and these in -ose, where others in -oses are of -osis
    """
    dose overdose underdose megadose microdose nose rose prose hose those whose lose primrose tuberose glucose
    fructose lactose sucrose cellulose hemicellulose nitrocellulose carboxymethylcellulose methylcellulose maltose
    dextrose galactose mannose xylose ribose deoxyribose arabinose amylose trehalose raffinose rhamnose fucose
    hexose pentose triose tetrose aldose ketose agarose cellobiose sorbose tagatose viscose bellicose verbose
    grandiose adipose bluenose erose varicose
    """.split()
)
_WORDS_IN_OE = frozenset("canoe tiptoe mistletoe backhoe throe hoopoe felloe".split())
_WORDS_IN_ESE = frozenset("diocese archdiocese obese manganese".split())
_ENDS_THAT_LOSE_E = ("che", "she", "sse", "xe")
_ENDS_OF_LISTED = frozenset(
    word[start:]
    for listed in (IRREGULAR, _NOUNS_IN_S, _PLURALS_IN_US_OR_IS)
    for word in listed
    for start in range(len(word))
)


def singular(word: str) -> str:
    """A folded word without its plural ending; what it returns need not be a word (queries: query; movies: movy).

    The S-stemmer's last steps take `ie` and `y` together and drop the `e` after ch, sh, ss and x, so that `movie` and
    `movies`, `patch` and `patches` meet.
    """
    word = IRREGULAR.get(word, word)
    if len(word) < 4 or word[-1] not in "se":
        return word
    if word[-1] == "s":
        word = _without_s(word)
    if word.endswith("ie"):
        return word[:-2] + "y"
    return word[:-1] if word.endswith(_ENDS_THAT_LOSE_E) else word


def fixed_end(word: str) -> str | None:
    """What stands for a word in singular(other + word), whatever the other word is; None if that depends on it."""
    last = word[-1]
    if word in _ENDS_OF_LISTED:
        return None
    if last == "e" and (len(word) > 2 or word[-2:] in ("be", "de", "me", "re", "we")):
        return word[:-2] + "y" if word.endswith("ie") else word[:-1] if word.endswith(_ENDS_THAT_LOSE_E) else word
    if last not in "se":
        return word
    if len(word) < 3:
        return None
    if last == "s" and not word.endswith("es"):
        return word if word.endswith(("us", "ss", "sis", "xis")) else word[:-1]
    if len(word) < 6 or word[-3] in "suoz":
        return None
    if word.endswith("ies"):
        return None if word[-4] in "ea" else word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes")) else word[:-1]


def keys(unit: str) -> tuple[str, ...]:
    """What a word of a title or abstract is found by: its singular; CD4+ also by that of CD4."""
    if unit[-1] == "+" and (plain := without_plus(unit)):
        return unit, singular(plain)
    return (singular(unit),)


def _without_s(word: str) -> str:
    """A word that ends in s without what makes it a plural."""
    if word.endswith(("us", "ss", "sis", "xis")):
        return word[:-1] if word in _PLURALS_IN_US_OR_IS else word
    if word in _NOUNS_IN_S:
        return word
    if word.endswith("es"):
        stem = word[:-2]
        if stem in _NOUNS_IN_S or (len(stem) >= 4 and _takes_es(stem)):
            return stem
        if len(stem) >= 3 and _is_plural_of_is(stem):
            return stem + "is"
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    return word[:-1]  # Harman's second rule, `es` to `e`, comes to the same


def _takes_es(stem: str) -> bool:
    """Whether stem + "es" is the plural of the stem itself: a word in -us, -o or -z."""
    if stem.endswith("us"):
        return not (stem.endswith(("aus", "ous", "fus")) or stem + "e" in _WORDS_IN_USE)
    if stem.endswith("o"):
        return not (stem.endswith("sho") or stem + "e" in _WORDS_IN_OE)
    return stem.endswith(("tz", "zz")) or (stem.endswith("ez") and not stem.endswith(("eez", "apez")))


def _is_plural_of_is(stem: str) -> bool:
    """Whether stem + "es" is the plural of stem + "is"; only of stems in s."""
    if stem.endswith("ys"):
        return True
    if stem.endswith("es"):
        return not stem.endswith("ees") and stem + "e" not in _WORDS_IN_ESE and len(stem) > 3
    if stem.endswith("os"):
        return not stem.endswith(("pos", "clos", "oos")) and stem + "e" not in _WORDS_IN_OSE
    return stem.endswith(("ias", "stas"))
