"""Dutch chat text made comparable: what a sloppy and a careful writer mean comes out the same.

One documented place for all normalisation. The steps, in order:

1. Unicode: NFKC, mojibake mended (ftfy), control, direction and zero-width characters out, stacked accents ("zalgo") cut to one,
   look-alike letters of other alphabets inside a Latin word made Latin.
2. Lower case; diacritics dropped ("écht" and "echt" are one word), e-mail and web addresses and long numbers made placeholders.
3. Compounds with the name of a platform are split. Letters repeated more than twice are cut to two ("neeeee" is "nee"), emoji turned into
   words, punctuation apart.
4. Chat spelling and Flemish contractions spelled out word by word (``LEXICON``): "kheb" -> "ik heb", "da" -> "dat", "egt" -> "echt".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import ftfy

MAX_CHARACTERS = 2000

_ZERO_WIDTH = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.[\w.]+", re.I)
_HANDLE = re.compile(r"(?<!\w)@\w[\w.]+")
_LONG_NUMBER = re.compile(r"\b\d[\d\s./-]{6,}\d\b")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_PUNCTUATION = re.compile(r"([!?.,;:()\"“”„«»…/\\|*+=<>~^\[\]{}])")
_SPACES = re.compile(r"\s+")
# Names of platforms as first part of a compound ("whatsappgroep", "facebookprofiel").
_PLATFORM_COMPOUND = re.compile(
    r"\b(discord|facebook|fortnite|insta(?:gram)?|messenger|minecraft|playstation|roblox|smartschool|snapchat|telegram|tiktok|twitter|"
    r"whatsapp|youtube)-?(?=[a-z]{3,})(?!gram)"
)
_LAUGH = re.compile(r"\b(?:[ha]{4,}|(?:ha|he|hi){2,}h?|l+o+l+|xd+|lmf?ao+)\b")

# Look-alikes of Latin letters in the Cyrillic and Greek alphabets.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏνοαερτικ", "aeopcyxijsdhlvoaeptik")

_EMOJI = {
    "😂": "lachen", "🤣": "lachen", "😅": "lachen", "😆": "lachen", "😭": "wenen", "😢": "wenen", "😥": "wenen", "😞": "verdrietig",
    "😔": "verdrietig", "☹": "verdrietig", "🙁": "verdrietig", "💔": "verdrietig", "😡": "boos", "😠": "boos", "🤬": "boos",
    "😱": "bang", "😨": "bang", "😰": "bang", "🔪": "mes", "💀": "lachen", "🙈": "schaamte", "❤": "hart", "👍": "oke", "👌": "oke",
    "🙏": "bedankt", "🤖": "robot", "🥺": "verdrietig", "😬": "ongemakkelijk", "🙄": "zucht", "😶": "stil",
}  # fmt: skip

# Chat spelling, Flemish contractions and spoken forms -> the written word. Only forms that mean one thing.
_LEXICON_LINES = """
kben=ik ben|ben k=ben ik|kzen=ik ben|kwas=ik was|kheb=ik heb|keb=ik heb|kem=ik heb|kha=ik had|khad=ik had
kga=ik ga|kging=ik ging|kkan=ik kan|kkon=ik kon|kwil=ik wil|kwou=ik wou|kmoet=ik moet|kmoest=ik moest
kmag=ik mag|kmocht=ik mocht|kzal=ik zal|kzou=ik zou|kdurf=ik durf|kdurfde=ik durfde|kweet=ik weet
kwist=ik wist|kvind=ik vind|kvoel=ik voel|kdenk=ik denk|kdacht=ik dacht|kzit=ik zit|kzat=ik zat|ksta=ik sta
kstond=ik stond
kzie=ik zie|kzag=ik zag|khoor=ik hoor|khoorde=ik hoorde|kkrijg=ik krijg|kkreeg=ik kreeg|kkom=ik kom
kkwam=ik kwam|kzeg=ik zeg|kzei=ik zei|kschaam=ik schaam|kword=ik word|kwerd=ik werd|kwor=ik word
kslaap=ik slaap|klig=ik lig|kloop=ik loop|khaat=ik haat
kheet=ik heet|kdoe=ik doe|kdeed=ik deed|kmis=ik mis|kzoek=ik zoek|khoop=ik hoop|kbegin=ik begin
kblijf=ik blijf|kween=ik ween|kspeel=ik speel|kstuur=ik stuur|kstuurde=ik stuurde|kleef=ik leef
kvraag=ik vraag|kvroeg=ik vroeg|kgeef=ik geef|kgaf=ik gaf|khou=ik hou
dak=dat ik|da'k=dat ik|dakik=dat ik|dat'k=dat ik|ak=als ik|a'k=als ik|alsk=als ik|omdak=omdat ik|omda=omdat
nadak=nadat ik|zodak=zodat ik|wak=wat ik|wa'k=wat ik|hoek=hoe ik|toenk=toen ik|enk=en ik|mark=maar ik
maark=maar ik|alk=al ik|'k=ik|k=ik|ikke=ik|ekik=ik|ek=ik|ikzelf=ik zelf
tis=het is|'tis=het is|twas=het was|tzal=het zal|tzou=het zou|tgaat=het gaat|tging=het ging|thelpt=het helpt
tstaat=het staat|tkomt=het komt|tkan=het kan|tmoet=het moet|tmag=het mag|theeft=het heeft|'t=het|t=het
tzijn=het zijn|twordt=het wordt|tword=het wordt|tbegon=het begon|tdoet=het doet|tloopt=het loopt
is't=is het|ist=is het
da=dat|dees=deze|da's=dat is|das=dat is|dats=dat is|wa=wat|wah=wat|watte=wat|ni=niet|nie=niet|nii=niet
niiet=niet|nt=niet|ne=een|nen=een|nene=een|'n=een|n=een|nem=een|ene=een|eentje=een|den=de|dien=die|diene=die
diejen=die|dieje=die|diee=die
ma=maar|mar=maar|maja=maar ja|maarja=maar ja|majah=maar ja|ge=je|gij=jij|uw=je|ulle=jullie|gulle=jullie
gullie=jullie|gelle=jullie|zijt=bent|zen=zijn|hunne=hun|hunder=hun|ulder=hun|em=hem|'m=hem|m=hem|m'n=mijn
mn=mijn|mijne=mijn|mijnen=mijn|mi=mij|mjn=mijn|me=mij|z'n=zijn|zn=zijn|zijne=zijn|zijnen=zijn|d'r=haar|der=er
dr=er|derbij=erbij|dervan=ervan|derover=erover|dermee=ermee|dernaast=ernaast|deraf=eraf|d'er=er|dur=haar
eur=haar
mss=misschien|msch=misschien|miss=misschien|misch=misschien|egt=echt|ech=echt|eg=echt|egte=echte|gwn=gewoon
gewn=gewoon|gwoon=gewoon|gwnn=gewoon|wrm=waarom|waarm=waarom|wrom=waarom|wnr=wanneer|wanr=wanneer|hbn=hebben
hebbe=hebben|ebben=hebben|eb=heb|eeft=heeft|heef=heeft|wss=waarschijnlijk|wrs=waarschijnlijk
wrsch=waarschijnlijk|idd=inderdaad|iddd=inderdaad|inded=inderdaad
idk=ik weet niet|idc=maakt niet uit|omg=oh mijn god|btw=trouwens|tbh=eerlijk|fr=echt|ngl=eerlijk|nvm=laat maar
wtf=wat|ff=even|efkes=even|effe=even|effen=even|eve=even|ffe=even|altij=altijd|atijd=altijd|altyd=altijd
alty=altijd|ltijd=altijd|nooi=nooit|noch=nog|okee=oke|oki=oke|okido=oke|okey=oke|okay=oke|ok=oke|oké=oke
vnd=vandaag|vndg=vandaag|vandag=vandaag|gistere=gisteren|gister=gisteren|gstrn=gisteren|mrgn=morgen
morge=morgen|vanaaf=vanavond|vanavnd=vanavond|nuj=nu|elken=elke|elk=elke|iederen=iedereen|iedreen=iedereen
idereen=iedereen|iedern=iedereen|iedereeen=iedereen|ied=iedereen|nieman=niemand|niemant=niemand|niemnd=niemand
ieman=iemand|iemnd=iemand|iemant=iemand
skool=school|schol=school|schl=school|sgool=school|skol=school|mense=mensen|vriende=vrienden|vrinden=vrienden
vrndn=vrienden|vrndin=vriendin|meiskes=meisjes|meiske=meisje|meskes=meisjes|meske=meisje|meisie=meisje
meid=meisje|meiden=meisjes|jonge=jongen|gast=jongen|gasten=jongens|gastn=jongens|kerel=jongen|mams=mama
mamsie=mama|moeke=mama|paps=papa|vake=papa|bomma=oma|bompa=opa|opi=opa|broere=broer|broerke=broertje
zuske=zusje|zusterke=zusje|vriendinneke=vriendinnetje|manneke=mannetje|kindje=kind|kinders=kinderen
kindjes=kinderen|kindren=kinderen
leerkr=leerkracht|lkr=leerkracht|leeraar=leraar|juff=juf|juffr=juf|juffrouw=juf|mees=meester|dir=directeur
prof=leerkracht|klasse=klas|klastitularis=titularis
gene=geen|genen=geen|geene=geen|gn=geen|gin=geen|geenen=geen|kweenie=ik weet niet|kweeni=ik weet niet
kweetni=ik weet niet|kweetnie=ik weet niet|weenie=weet niet|weeni=weet niet|weetni=weet niet|wetni=weet niet
tkannie=het kan niet|kannie=kan niet|kanni=kan niet|magnie=mag niet|magni=mag niet|isni=is niet|isnie=is niet
wilni=wil niet|wilnie=wil niet|gani=ga niet|ganie=ga niet
zegge=zeggen|zeit=zegt|zeide=zeiden|zeggn=zeggen|zegn=zeggen|doeme=doen we|gata=gaat dat|komme=komen
kome=komen|lache=lachen|lachn=lachen|uitlache=uitlachen|scheldn=schelden|schelde=schelden|sture=sturen
stuurn=sturen|slage=slaan|slagen=slaan|slaag=slaan|schuppen=schoppen|schupt=schopt|schup=schop|schupte=schopte
stampen=schoppen|stampt=schopt|stamp=schop|smijten=gooien|smijt=gooit|smeet=gooide|smeten=gooiden
gesmeten=gegooid|smeite=gooien|sleuren=trekken|sleurt=trekt|sleurden=trokken|babbelen=praten|babbel=praat
wenen=huilen|weent=huilt|ween=huil|weende=huilde|weenden=huilden|geweend=gehuild|bleiten=huilen|bleit=huilt
bleitte=huilde|bleir=huil|janken=huilen|jank=huil|jankt=huilt|bange=bang|ambetant=vervelend
ambetante=vervelende|ambeteren=lastigvallen|ambeteert=valt lastig|embeteren=lastigvallen|embeteert=valt lastig
zagen=zeuren|zever=onzin|zeveren=onzin praten
pesse=pesten|peste=pesten|pestn=pesten|gepst=gepest|gepes=gepest|gepesd=gepest|pestkop=pester
pestkoppen=pesters|cyberpeste=cyberpesten|gepestt=gepest
smsen=sms|sms'en=sms|smske=sms|berichtjes=berichten|berichtje=bericht|berichte=berichten|berichtn=berichten
appje=bericht|appjes=berichten|appen=berichten sturen|appt=stuurt|gsm=telefoon|gsmke=telefoon|fone=telefoon
mobiel=telefoon|mobieltje=telefoon|smartphone=telefoon|foto's=fotos|fotoos=fotos|fotoke=foto|fotoke's=fotos
filmke=filmpje|filmkes=filmpjes|filmpke=filmpje|vid=video|vidje=video|videoke=video|vids=videos|video's=videos
screens=screenshots|screenke=screenshot|screentje=screenshot|ss=screenshot|scrnshot=screenshot|gc=groepschat
gchat=groepschat|groepsapp=groepschat|groepsgesprek=groepschat|appgroep=groepschat|klassenapp=klaschat
klasapp=klaschat|klassapp=klaschat|klasgroep=klaschat|klassechat=klaschat|klassengroep=klaschat
insta=instagram|ig=instagram|instagam=instagram|instragram=instagram|instgram=instagram|snapke=snapchat
snapkes=snapchat|snaps=snapchat|snapchaten=snapchat|tt=tiktok|tiktoks=tiktok|tiktokje=tiktok|tiktokske=tiktok
tik-tok=tiktok|wapp=whatsapp|whatsap=whatsapp|watsapp=whatsapp|wattsapp=whatsapp|watsap=whatsapp|wup=whatsapp
dc=discord|discort=discord|yt=youtube|youtub=youtube|fb=facebook|faceboek=facebook|fortnight=fortnite
fornite=fortnite|robloks=roblox|ps4=playstation|ps5=playstation|ps=playstation|psn=playstation|tinderke=tinder
btje=beetje|bietje=beetje|bikke=beetje|beetj=beetje|bekke=beetje|zo'n=zo een|zone=zo een|zonne=zo een
zo'ne=zo een|zuk=zulke|zulk=zulke|vele=veel|vl=veel|heelder=hele|gans=heel|ganse=hele|presies=precies
pcies=precies|sebiet=straks|subiet=straks|allee=allez|goe=goed|goei=goede|goeie=goede|slegt=slecht
lelik=lelijk|lelk=lelijk|lillek=lelijk|lillik=lelijk|kapoet=kapot|kapt=kapot|plezant=leuk|tof=leuk|wreed=erg
kei=heel|zot=gek|zotte=gekke|zottin=gek|dwaas=dom|onnozel=dom|vuil=vies|vuile=vieze
refter=eetzaal|speeltijd=speelplaats|speelkoer=speelplaats|koer=speelplaats|pauze=speelplaats
boekentas=schooltas|boekentasse=schooltas|rugzak=schooltas|tas=schooltas|lunchbox=brooddoos
broodtrommel=brooddoos|etui=pennenzak|kluisje=locker|kluis=locker|kastje=locker|turnles=gymles|turnen=gym
lo=gymles|gym=gymles|kleedhok=kleedkamer|omkleedruimte=kleedkamer
kys=maak jezelf dood|kts=maak jezelf dood|kms=mezelf doodmaken|unalive=doodmaken|unaliven=doodmaken
sewerslide=zelfmoord|sucide=zelfmoord|suicide=zelfmoord|suicidaal=zelfmoord|zelfmoort=zelfmoord
zelfmort=zelfmoord|zlfmoord=zelfmoord|zelfmrd=zelfmoord|zelfdoding=zelfmoord|zelfmoor=zelfmoord
plz=alsjeblieft|pls=alsjeblieft|aub=alsjeblieft|svp=alsjeblieft|asjeblief=alsjeblieft|asjeblieft=alsjeblieft
astublieft=alsjeblieft|alstublieft=alsjeblieft|thx=bedankt|thnx=bedankt|thanks=bedankt|dankje=bedankt
dankjewel=bedankt|danku=bedankt|dankuwel=bedankt|merci=bedankt|mercikes=bedankt|tnx=bedankt|ty=bedankt
hey=hallo|hoi=hallo|hai=hallo|heey=hallo|yo=hallo|ey=hallo|hej=hallo|hallokes=hallo|hellow=hallo|helo=hallo
hello=hallo|doei=daag|doeg=daag|ciao=daag|salu=daag|saluut=daag|saluukes=daag|bye=daag|jah=ja|jaa=ja|jaja=ja
jep=ja|jup=ja|yep=ja|yes=ja|ye=ja|yeah=ja|joa=ja|jawel=ja|neen=nee|neeje=nee|nope=nee|neuh=nee|nah=nee|nop=nee
naai=nee
w8=wacht|w8en=wachten|gr8=great|m8=maat|h8=haat|2=twee|4=vier|3=drie|s'avonds='s avonds|savonds='s avonds
smorgens='s morgens|snachts='s nachts|snacht='s nachts|'s=s|thuus=thuis|tuis=thuis|thuys=thuis|naa=naar
nr=naar|vn=van|voo=voor|vr=voor|vor=voor|me't=met het|mé=met|mt=met|bj=bij|dn=dan|dannn=dan|tege=tegen
tgn=tegen|tegn=tegen|oko=ook|oook=ook|oek=ook|nief=nieuw|nieve=nieuwe|iet=iets|iest=iets|niks=niets|nix=niets
nikske=niets|nieks=niets
""".strip()  # fmt: skip


def _read_lexicon(lines: str) -> dict[str, str]:
    pairs = (entry.split("=", 1) for line in lines.splitlines() for entry in line.split("|") if "=" in entry)
    return {short: full for short, full in pairs if short != full}


LEXICON = _read_lexicon(_LEXICON_LINES)


def clean_unicode(text: str) -> str:
    """The text without characters that hide or imitate others; the words stay as they were written."""
    text = ftfy.fix_text(text, unescape_html=False)
    text = _ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text))
    return _CONTROL.sub(" ", text)


def fold(text: str) -> str:
    """Lower case without diacritics; look-alike letters made Latin in words that have Latin letters too."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(_latin(word) for word in plain.split(" "))


def _latin(word: str) -> str:
    if word.isascii() or not any("a" <= char <= "z" for char in word):
        return word
    return word.translate(_LOOKALIKES)


@lru_cache(maxsize=64)
def normalise(text: str) -> str:
    """Words separated by single spaces, ready for n-grams. Only the first ``MAX_CHARACTERS`` are read."""
    text = fold(clean_unicode(text[:MAX_CHARACTERS]).replace("’", "'").replace("`", "'").replace("´", "'"))
    text = _ADDRESS.sub(" webadres ", text)
    text = _HANDLE.sub(" gebruikersnaam ", text)
    text = _LONG_NUMBER.sub(" nummer ", text)
    for emoji, word in _EMOJI.items():
        if emoji in text:
            text = text.replace(emoji, f" {word} ")
    text = _LAUGH.sub(" haha ", text)
    text = _REPEATED.sub(r"\1\1", text)
    text = _PUNCTUATION.sub(r" \1 ", text)
    text = _PLATFORM_COMPOUND.sub(r"\1 ", text)
    words = [LEXICON.get(word) or LEXICON.get(word.strip("'")) or word.strip("'") for word in text.split()]
    return _SPACES.sub(" ", " ".join(words)).strip()
