"""What each language says of a handful of scenes, to be read by somebody who speaks it."""

import pytest

from assistant import languages
from assistant.speech.claims import CUES
from assistant.speech.policy import Policy
from tests.speech_builders import PHRASES_FILE, expression, person, scene

EMPTY = scene()
ONE_SMILES = scene(person("AU12", x=590))
ONE_TURNED = scene(person(yaw_deg=60, width=45))
TWO = scene(person("AU04", x=50), person(x=590, width=13, track=2))
FIVE_LEFT = 5
HAPPY = person("AU12", shows=expression("happiness", confidence=0.9))

GOLDEN = {
    "cs": [
        "Nikdo v dohledu.",
        "Jedna osoba, velmi blízko, na jedné hodině, usmívá se.",
        "Jedna osoba, dva metry, vpředu, odvrácená tvář.",
        "Dvě osoby. Jedna osoba, velmi blízko, na jedenácti hodinách, stažené obočí. "
        "Jedna osoba, pět metrů, na jedné hodině.",
        "Pět osob odešlo.",
        "Na jedné hodině, usmívá se.",
        "působí vesele, protože koutky úst nahoru",
    ],
    "de": [
        "Niemand in Sicht.",
        "Eine Person, ganz nah, auf ein Uhr, lächelt.",
        "Eine Person, zwei Meter, geradeaus, abgewandt.",
        "Zwei Personen. Eine Person, ganz nah, auf elf Uhr, Brauen gesenkt. Eine Person, fünf Meter, auf ein Uhr.",
        "Fünf Personen sind weg.",
        "Auf ein Uhr, lächelt.",
        "wirkt froh, denn Mundwinkel oben",
    ],
    "en": [
        "Nobody in view.",
        "One person, close, at one o'clock, smiling.",
        "One person, two metres, ahead, turned away.",
        "Two people. One person, close, at eleven o'clock, brows lowered. One person, five metres, at one o'clock.",
        "Five people left.",
        "At one o'clock, smiling.",
        "seems happy, because mouth corners up",
    ],
    "es": [
        "Nadie a la vista.",
        "Una persona, muy cerca, a la una, sonríe.",
        "Una persona, dos metros, al frente, cara girada.",
        "Dos personas. Una persona, muy cerca, a las once, ceño fruncido. Una persona, cinco metros, a la una.",
        "Se han ido cinco personas.",
        "A la una, sonríe.",
        "parece alegría: comisuras hacia arriba",
    ],
    "fr": [
        "Personne en vue.",
        "Une personne, tout près, à une heure, sourit.",
        "Une personne, deux mètres, devant, visage détourné.",
        "Deux personnes. Une personne, tout près, à onze heures, sourcils froncés. "
        "Une personne, cinq mètres, à une heure.",
        "Cinq personnes sont parties.",
        "À une heure, sourit.",
        "peut-être de la joie : commissures relevées",
    ],
    "hi": [
        "सामने कोई नहीं।",
        "एक व्यक्ति, बहुत पास, एक बजे पर, मुस्कान।",
        "एक व्यक्ति, दो मीटर, ठीक सामने, चेहरा दूसरी ओर।",
        "दो लोग। एक व्यक्ति, बहुत पास, ग्यारह बजे पर, भौंहें नीचे। एक व्यक्ति, पाँच मीटर, एक बजे पर।",
        "पाँच लोग अब सामने नहीं।",
        "एक बजे पर, मुस्कान।",
        "शायद खुशी, क्योंकि होंठों के कोने ऊपर",
    ],
    "it": [
        "Nessuno in vista.",
        "Una persona, molto vicino, all'una, sorride.",
        "Una persona, due metri, davanti, viso girato.",
        "Due persone. Una persona, molto vicino, alle undici, sopracciglia abbassate. "
        "Una persona, cinque metri, all'una.",
        "Cinque persone sono andate via.",
        "All'una, sorride.",
        "sembra gioia: bocca all'insù",
    ],
    "nl": [
        "Niemand in beeld.",
        "Eén persoon, heel dichtbij, op één uur, glimlacht.",
        "Eén persoon, twee meter, recht vooruit, afgewend.",
        "Twee personen. Een persoon, heel dichtbij, op elf uur, wenkbrauwen omlaag. "
        "Een persoon, vijf meter, op één uur.",
        "Vijf personen zijn weg.",
        "Op één uur, glimlacht.",
        "lijkt blij: mondhoeken omhoog",
    ],
    "pl": [
        "Nikogo nie widać.",
        "Jedna osoba, bardzo blisko, na pierwszej, uśmiecha się.",
        "Jedna osoba, dwa metry, na wprost, odwrócona twarz.",
        "Dwie osoby. Jedna osoba, bardzo blisko, na jedenastej, ściągnięte brwi. "
        "Jedna osoba, pięć metrów, na pierwszej.",
        "Pięć osób odeszło.",
        "Na pierwszej, uśmiecha się.",
        "chyba radość, bo kąciki ust w górę",
    ],
    "pt": [
        "Ninguém à vista.",
        "Uma pessoa, bem perto, à uma hora, sorri.",
        "Uma pessoa, dois metros, à frente, rosto virado.",
        "Duas pessoas. Uma pessoa, bem perto, às onze horas, sobrancelhas franzidas. "
        "Uma pessoa, cinco metros, à uma hora.",
        "Cinco pessoas foram embora.",
        "À uma hora, sorri.",
        "parece alegria: cantos da boca erguidos",
    ],
    "sv": [
        "Ingen i sikte.",
        "En person, mycket nära, klockan ett, ler.",
        "En person, två meter, rakt fram, bortvänd.",
        "Två personer. En person, mycket nära, klockan elva, sänkta ögonbryn. En person, fem meter, klockan ett.",
        "Fem personer har gått.",
        "Klockan ett, ler.",
        "verkar glad: mungiporna upp",
    ],
    "tr": [
        "Görünürde kimse yok.",
        "Bir kişi, çok yakın, saat bir yönünde, gülümsüyor.",
        "Bir kişi, iki metre, tam karşıda, yüzü başka yönde.",
        "İki kişi. Bir kişi, çok yakın, saat on bir yönünde, kaşlar çatık. Bir kişi, beş metre, saat bir yönünde.",
        "Beş kişi gitti.",
        "Saat bir yönünde, gülümsüyor.",
        "mutlu görünüyor: ağız kenarları yukarıda",
    ],
}


def test_every_language_is_here():
    assert sorted(GOLDEN) == sorted(path.stem for path in PHRASES_FILE.parent.glob("*.toml"))


@pytest.mark.parametrize("code", GOLDEN)
def test_the_sentences_are_these(code):
    words = languages.phrases(code)
    direction = words.direction(ONE_SMILES.people[0])
    smiling = words.claims(ONE_SMILES.people[0])[0].words
    said = [
        *(words.describe_scene(seen) for seen in (EMPTY, ONE_SMILES, ONE_TURNED, TWO)),
        words.some_left(FIVE_LEFT),
        words.capitalised(words.sentence.change_of.format(direction=direction, movement=smiling)),
        words.claims(HAPPY, emotions=True)[0].fuller[-1],
    ]
    assert said == GOLDEN[code]


@pytest.mark.parametrize("code", GOLDEN)
def test_news_keeps_to_nine_words_and_tells_its_evidence(code):
    """Somebody comes who smiles, then laughs: the longest news at the highest verbosity."""
    policy = Policy(languages.phrases(code), verbosity=4, cues=CUES, max_words_per_10_s=40)
    said = []
    for tick in range(400):
        seen = scene(person("AU12", x=590, width=45) if tick < 200 else person("AU06", "AU12", "AU26", x=590, width=45))
        if (utterance := policy.consider(seen, tick / 20).utterance) is not None:
            said.append(utterance)
    assert len(said) >= 2
    assert all(len(utterance.text.split()) <= 9 for utterance in said)
    assert any("AU12" in utterance.evidence for utterance in said)
