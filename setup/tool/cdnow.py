SIZES = ('cdnow', 'cdnow-full')
def load(*a): raise NotImplementedError
