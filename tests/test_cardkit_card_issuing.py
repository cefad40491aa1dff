"""From a blank card to a purse: what the card then is, and what every tear leaves behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.card.apdu import AuthenticationRefused, PermissionDenied, StatusRefused
from cardkit.card.desfire import PICC_AID, PICC_MASTER_KEY, Desfire
from cardkit.card.files import StdData
from cardkit.card.issuing import ZERO_KEY, CardReport, Step, _read_back, inspect, personalise, wipe
from cardkit.card.keys import NXP_ORIGINALITY, Chip, Originality
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardFile
from cardkit.card.session import PurseSession
from cardkit.card.tmac import NO_TMRI, birth_tmi, decrypt_tmri, session_keys, verify_tmv
from cardkit.errors import CardLost, CardNotIssuable
from simulator.card import Model, VirtualCard
from simulator.field import Field
from tests.purse_cards import TERMINAL_KEYS, UID, Transcript, card_keys, connect, issue, issued

KEYS = card_keys()
EXCHANGES_OF_AN_ISSUE = 54


def blank(model: Model = Model.EV3) -> tuple[Field, VirtualCard]:
    """A field with a card from the factory."""
    field, card = Field(), VirtualCard(UID, model=model)
    field.place(card)
    return field, card


@pytest.mark.parametrize("model", [Model.EV2, Model.EV3])
def test_the_birth_is_proven(model: Model) -> None:
    """A card is issued once the service verified this TMV; so are TMC, spent and reader id zero."""
    field, card = blank(model)
    proof = issue(field, KEYS)
    keys = session_keys(KEYS.tmac, uid=UID, tmc=proof.tmc)
    message = birth_tmi(CLAF_PURSE_1, value=0x7FFFFFFF, tmri=NO_TMRI, enc_tmri=proof.enc_tmri)
    assert (proof.uid, proof.tmc, proof.spent_cents) == (UID, 1, 0)
    assert verify_tmv(keys.mac, message, proof.tmv)
    assert decrypt_tmri(keys.enc, proof.enc_tmri) == NO_TMRI
    assert len(card.history) == 1


def test_a_card_with_another_tmac_key_is_not_proven() -> None:
    """A batch line mixed up is found at issue, not at the first market."""
    field, _ = blank()
    proof = issue(field, dataclasses.replace(KEYS, tmac=bytes(16)))
    message = birth_tmi(CLAF_PURSE_1, value=0x7FFFFFFF, tmri=NO_TMRI, enc_tmri=proof.enc_tmri)
    mac = session_keys(KEYS.tmac, uid=UID, tmc=proof.tmc).mac
    assert not verify_tmv(mac, message, proof.tmv)


def test_progress_is_told_in_order() -> None:
    """The coordinator sees where a card stands."""
    field, _ = blank()
    steps: list[Step] = []
    personalise(connect(field), KEYS, originality=None, allowance=b"signed", progress=steps.append)
    assert steps == list(Step)


def test_the_first_allowance_is_in_slot_0() -> None:
    """A member's first purchase may be at a stall that has no network."""
    field, _ = blank()
    issue(field, KEYS, allowance=b"signed elsewhere")
    purse = PurseSession.open(connect(field), TERMINAL_KEYS)
    assert purse.allowance_slots() == (b"signed elsewhere", None)
    assert purse.tmac().tmc == 1


# What can no longer be done to an issued card


def test_zero_keys_open_nothing() -> None:
    """Neither the card nor the application answers to what a blank one answers to."""
    field, _ = issued()
    card = Desfire(connect(field))
    with pytest.raises(AuthenticationRefused):
        card.authenticate_ev2_first(PICC_MASTER_KEY, ZERO_KEY)
    for key_no in range(CLAF_PURSE_1.keys):
        card.iso_select(CLAF_PURSE_1.df_name)
        with pytest.raises(AuthenticationRefused):
            card.authenticate_ev2_first(key_no, ZERO_KEY)


@pytest.mark.parametrize(
    "attack",
    [
        lambda card: card.format_picc(),
        lambda card: card.create_application(
            b"\x00\x00\x01", key_settings=9, keys=1, iso_fid=1, df_name=b"X"
        ),
    ],
    ids=["format", "create"],
)
def test_nobody_wipes_a_card_without_its_master_key(attack: Callable[[Desfire], None]) -> None:
    """A phone in the queue can neither format the purse nor fill the card."""
    field, card = issued()
    phone = Desfire(connect(field))
    phone.select_application(PICC_AID)
    with pytest.raises((StatusRefused, CardLost)):
        attack(phone)
    assert inspect(connect(field), KEYS).purse is not None
    assert len(card.history) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.change_key_settings(0x0F),
        lambda card: card.change_file_settings(
            CLAF_PURSE_1.value.number, CLAF_PURSE_1.slots[0].settings.access
        ),
    ],
    ids=["key settings", "value file"],
)
def test_not_even_key_0_changes_the_layout(change: Callable[[Desfire], None]) -> None:
    """Settings are closed for good: no file can be added, no right of the value file changed."""
    field, _ = issued()
    card = Desfire(connect(field))
    card.iso_select(CLAF_PURSE_1.df_name)
    card.authenticate_ev2_first(CLAF_PURSE_1.app_master_key_no, KEYS.app_master)
    with pytest.raises(PermissionDenied):
        change(card)


# What is refused, and what a tear leaves


def test_an_issue_takes_this_many_exchanges() -> None:
    """Each of them is torn in the next test."""
    field, _ = blank()
    issue(field, KEYS, allowance=b"signed elsewhere")
    assert field.exchanges == EXCHANGES_OF_AN_ISSUE


@pytest.mark.parametrize("exchange", range(1, EXCHANGES_OF_AN_ISSUE + 1))
def test_a_torn_issue_starts_again_after_a_wipe(exchange: int) -> None:
    """Wherever the card was lifted, it becomes a purse the second time."""
    field, card = blank()
    field.tear_after(exchange)
    with pytest.raises(CardLost):
        issue(field, KEYS, allowance=b"signed elsewhere")
    field.place(card)
    wipe(connect(field), KEYS)
    assert issue(field, KEYS).tmc == 1


def test_an_issued_card_is_not_issued_again() -> None:
    """A member's money is not lost to a card left on the reader."""
    field, _ = issued()
    with pytest.raises(CardNotIssuable, match="wipe"):
        issue(field, KEYS)


def test_a_card_with_a_foreign_master_key_is_refused() -> None:
    """Somebody else's card can be neither taken over nor wiped."""
    field, _ = issued()
    stranger = dataclasses.replace(KEYS, picc_master=b"\x01" * 16)
    with pytest.raises(AuthenticationRefused):
        wipe(connect(field), stranger)
    wipe(connect(field), KEYS)
    with pytest.raises(AuthenticationRefused):
        issue(field, stranger)


def test_a_light_is_not_issuable() -> None:
    """The Light is the public document, not a card we issue."""
    field, _ = blank(Model.LIGHT)
    with pytest.raises(CardNotIssuable, match="hardware"):
        issue(field, KEYS)


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (("0401013300160504010103001605" + "04C1AF00000181" + "01020304052326"), "another UID"),
        (("0401010100160504010101001605" + UID.hex() + "01020304052326"), "hardware 01.01"),
    ],
)
def test_what_is_no_blank_card_of_ours_is_refused(frames: str, reason: str) -> None:
    """An EV1 has no Transaction MAC; a version of another UID is somebody in between."""
    with pytest.raises(CardNotIssuable, match=reason):
        personalise(Transcript(bytes.fromhex(frames + "9100")), KEYS)


def test_a_card_with_a_random_uid_is_refused() -> None:
    """Keys are diversified with the real UID; a random one could never be found again."""
    with pytest.raises(CardNotIssuable, match="4 bytes"):
        personalise(Transcript(uid=bytes(4)), KEYS)


SLOT = CLAF_PURSE_1.slots[0]
SMALLER = dataclasses.replace(SLOT.settings, shape=StdData(size_bytes=128))
OPEN = dataclasses.replace(SLOT.settings, access=CLAF_PURSE_1.tmac.settings.access)


@pytest.mark.parametrize(
    ("slot", "version"),
    [
        (dataclasses.replace(SLOT, settings=SMALLER), KEYS.version),
        (dataclasses.replace(SLOT, settings=OPEN), KEYS.version),
        (dataclasses.replace(SLOT, number=0x05), KEYS.version),
        (SLOT, KEYS.version + 1),
    ],
    ids=["size", "rights", "number", "key version"],
)
def test_what_the_card_did_not_take_is_found(slot: CardFile, version: int) -> None:
    """Everything asked for is read back: a purse with other rights never leaves the workshop."""
    field, _ = issued()
    card = Desfire(connect(field))
    card.iso_select(CLAF_PURSE_1.df_name)
    card.authenticate_ev2_first(CLAF_PURSE_1.app_master_key_no, KEYS.app_master)
    _read_back(card, KEYS, CLAF_PURSE_1)
    profile = dataclasses.replace(CLAF_PURSE_1, slots=(slot, CLAF_PURSE_1.slots[1]))
    with pytest.raises(CardNotIssuable):
        _read_back(card, dataclasses.replace(KEYS, version=version), profile)


# Originality and inspection


def signed(card: VirtualCard) -> Originality:
    """Sign a virtual chip the way NXP signs real ones, with a key of our own."""
    private = ec.generate_private_key(ec.SECP224R1())
    digest = card.uid.rjust(28, b"\x00")
    r, s = utils.decode_dss_signature(private.sign(digest, ec.ECDSA(utils.Prehashed(SHA224()))))
    card.sign(r.to_bytes(28) + s.to_bytes(28))
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Originality({Chip.EV3: (public,)})


def test_only_original_chips_are_issued() -> None:
    """By default a chip that NXP did not sign is not made a purse."""
    field, card = blank()
    with pytest.raises(CardNotIssuable, match="signed"):
        personalise(connect(field), KEYS)
    originality = signed(card)
    with pytest.raises(CardNotIssuable, match="signed"):
        personalise(connect(field), KEYS, originality=NXP_ORIGINALITY)
    assert personalise(connect(field), KEYS, originality=originality).tmc == 1
    assert inspect(connect(field), None, originality=originality).original is Chip.EV3


def looked(field: Field, *, with_keys: bool) -> CardReport:
    """What `card inspect` sees."""
    return inspect(connect(field), KEYS if with_keys else None)


def test_inspection_shows_what_a_card_is_and_changes_nothing() -> None:
    """Anybody sees the version; only the card's own keys show the purse."""
    field, card = issued()
    report = looked(field, with_keys=True)
    assert report.purse is not None
    assert report.purse.settings == {f.number: f.settings for f in CLAF_PURSE_1.files}
    assert (report.purse.spent_cents, report.purse.tmac.tmc, report.purse.records) == (0, 1, ())
    stranger = looked(field, with_keys=False)
    assert (stranger.has_application, stranger.purse) == (True, None)
    assert (stranger.uid, stranger.version.hw_major) == (UID, 0x33)
    assert len(card.history) == 1


def test_inspection_of_a_blank_card() -> None:
    """A blank card has no purse, whatever keys are at hand."""
    field, _ = blank()
    report = looked(field, with_keys=True)
    assert (report.has_application, report.purse, report.original) == (False, None, None)


def test_keys_are_never_printed() -> None:
    """One card's keys are in the workshop's hands; no traceback shows them."""
    assert repr(KEYS) == "OneCardKeys(version=2)"
