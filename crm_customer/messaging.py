"""The words that messages, consent and their rules share.

Selections of fields, and what follows from the class of a message.
"""

PURPOSES = [
    ('promotion', "Promotions"),
    ('care', "Care and Service Hints"),
    ('survey', "Surveys"),
    ('transactional', "Orders and Service"),
]

CHANNELS = [
    ('email', "Email"),
    ('sms', "SMS"),
    ('phone', "Phone"),
    ('post', "Letter"),
    ('in_person', "In Person"),
]

CONSENT_STATUSES = [
    ('in', "Agreed"),
    ('pending', "To Be Confirmed"),
    ('out', "Refused"),
]

CONSENT_SOURCES = [
    ('staff', "Staff"),
    ('portal', "Customer Portal"),
    ('signed_link', "Link in a Message"),
    ('double_opt_in', "Confirmed by Mail"),
    ('unsubscribe', "Unsubscribed"),
    ('import', "Import"),
    ('merge', "Contacts Merged"),
    ('api', "Other System"),
    ('new_address', "New Address"),
]

#: purposes a customer decides on himself; of orders and service he is always told
PURPOSES_OF_CHOICE = ('promotion', 'care', 'survey')

#: channels that share an address, and what of a contact is that address
ADDRESS_KINDS = {'email': 'email', 'sms': 'phone', 'phone': 'phone'}

MESSAGE_CLASSES = [
    ('safety', "Safety or Recall"),
    ('transactional', "Order, Service or Payment"),
    ('hint', "Service Hint"),
    ('greeting', "Greeting"),
    ('gift', "Gift"),
    ('offer', "Offer"),
    ('survey', "Survey"),
]

#: what a customer has agreed to, or not, when a message of the class is sent
PURPOSE_OF_CLASS = {
    'safety': 'transactional',
    'transactional': 'transactional',
    'hint': 'care',
    'greeting': 'care',
    'gift': 'care',
    'offer': 'promotion',
    'survey': 'survey',
}

#: classes no rule holds back
CLASSES_NEVER_WAITING = ('safety', 'transactional')

#: classes that keep the days before a promotion free
CLASSES_KEEPING_QUIET = ('hint', 'greeting', 'gift', 'offer')
