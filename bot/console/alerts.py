"""One e-mail for each conversation with a crisis, without anything of the conversation in it."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bot.console.models import ConsoleAlert
from bot.console.texts import Texts
from bot.runtime.settings import Settings
from bot.transcripts.audit import AuditLog
from bot.transcripts.database import Database
from bot.transcripts.models import Conversation

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 20.0
#: A crisis that is older is no news: the console was away, and the queue shows it at the top.
_NEWS_SECONDS = 3600.0
_SMTP_SECONDS = 15.0
_ACTOR = "console"


class Alerts:
    """Looks for new conversations with a crisis and tells one address. Several consoles may do so at once: each is told once."""

    def __init__(self, settings: Settings, database: Database, texts: Texts) -> None:
        self._settings = settings
        self._database = database
        self._texts = texts
        self._stop = threading.Event()

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for it."""
        return bool(self._settings.alert_to and self._settings.smtp_host)

    def start(self) -> None:
        """Look from time to time, in a thread of its own."""
        if self.wanted:
            threading.Thread(target=self._run, name="alerts", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                self.look()
            except (OSError, smtplib.SMTPException, SQLAlchemyError) as error:
                # Told again at the next look; the text of an error may hold a password.
                logger.error("alert not sent: %s", type(error).__name__)

    def look(self) -> int:
        """Tell about what is new; how many were told.

        Raises:
            OSError, SMTPException: the e-mail could not be sent; it is tried again at the next look.
        """
        told = 0
        for conversation_id in self._new():
            if not self._claim(conversation_id):
                continue
            try:
                self._send()
            except BaseException:
                self._release(conversation_id)
                raise
            AuditLog(self._database).add(_ACTOR, "alert sent", subject=f"conversation {conversation_id}")
            told += 1
        return told

    def _new(self) -> list[int]:
        query = (
            select(Conversation.id)
            .outerjoin(ConsoleAlert, ConsoleAlert.conversation_id == Conversation.id)
            .where(Conversation.crisis.is_not(None), Conversation.last_at > time.time() - _NEWS_SECONDS, ConsoleAlert.at.is_(None))
            .order_by(Conversation.id)
            .limit(50)
        )
        with self._database.reading() as session:
            return [int(id_) for id_ in session.execute(query).scalars()]

    def _claim(self, conversation_id: int) -> bool:
        """Take a conversation on; False when another console did."""
        try:
            with self._database.writing() as session:
                session.add(ConsoleAlert(conversation_id=conversation_id, at=time.time()))
        except IntegrityError:
            return False
        return True

    def _release(self, conversation_id: int) -> None:
        with self._database.writing() as session:
            session.execute(delete(ConsoleAlert).where(ConsoleAlert.conversation_id == conversation_id))

    def _send(self) -> None:
        settings = self._settings
        message = EmailMessage()
        message["Subject"] = self._texts.say("alert_subject")
        message["From"], message["To"] = settings.alert_from, settings.alert_to
        # Mail without these is often taken for spam; the name of this machine stays out of it.
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=str(settings.alert_from).rpartition("@")[2].rstrip(">") or "localhost")
        # The address of the queue, not of the conversation: an e-mail passes through many hands.
        message.set_content(self._texts.say("alert_body", url=settings.console_url or f"http://localhost:{settings.console_port}"))
        secure = ssl.create_default_context()
        host, port = str(settings.smtp_host), settings.smtp_port
        tls = settings.smtp_security == "tls"
        with (
            smtplib.SMTP_SSL(host, port, timeout=_SMTP_SECONDS, context=secure)
            if tls
            else smtplib.SMTP(host, port, timeout=_SMTP_SECONDS) as server
        ):
            if settings.smtp_security == "starttls":
                server.starttls(context=secure)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value() if settings.smtp_password else "")
            server.send_message(message)
